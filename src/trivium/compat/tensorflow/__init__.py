"""TensorFlow's own words around Keras: each module here covers a part of them, on the rooms below."""
