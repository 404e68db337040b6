"""Looking at things: tables, diagrams, curves and image grids."""
