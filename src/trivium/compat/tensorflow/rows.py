"""More rows of `arrays`: rarer mathematics, linear algebra, bits, neural networks, and what `keras.backend` had."""

__all__ = ["KERAS", "TENSORFLOW"]

TENSORFLOW = """
bitcast: view(input>x, type>dtype)
eig: eig(tensor>x)
realdiv: true_divide(x>x1, y>x2)
recompute_grad: remat(f)

bitwise.bitwise_and: bitwise_and(x, y)
bitwise.bitwise_or: bitwise_or(x, y)
bitwise.bitwise_xor: bitwise_xor(x, y)
bitwise.invert: bitwise_invert(x)
bitwise.left_shift: left_shift(x, y)
bitwise.right_shift: right_shift(x, y)

linalg.eigvalsh: jax.numpy.linalg.eigvalsh(tensor>a)
linalg.eigvals: jax.numpy.linalg.eigvals(tensor>a)
linalg.expm: jax.scipy.linalg.expm(input>A)
linalg.matrix_rank: matrix_rank(a>x, tol, -validate_args=False)

math.approx_max_k: jax.lax.approx_max_k(operand, k, reduction_dimension=-1, recall_target=0.95)
math.approx_min_k: jax.lax.approx_min_k(operand, k, reduction_dimension=-1, recall_target=0.95)
math.bessel_i0: jax.scipy.special.i0(x)
math.bessel_i0e: jax.scipy.special.i0e(x)
math.bessel_i1: jax.scipy.special.i1(x)
math.bessel_i1e: jax.scipy.special.i1e(x)
math.betainc: jax.scipy.special.betainc(a, b, x)
math.digamma: jax.scipy.special.digamma(x)
math.igamma: jax.scipy.special.gammainc(a, x)
math.igammac: jax.scipy.special.gammaincc(a, x)
math.lgamma: jax.scipy.special.gammaln(x)
math.ndtri: jax.scipy.special.ndtri(x>p)
math.nextafter: nextafter(x1, x2)
math.special.dawsn: jax.scipy.special.dawsn(x)
math.special.spence: jax.scipy.special.spence(x)
math.xlog1py: jax.scipy.special.xlog1py(x, y)
math.xlogy: jax.scipy.special.xlogy(x, y)
math.zeta: jax.scipy.special.zeta(x, q)
"""

KERAS = """
backend.to_dense: convert_to_tensor(tensor>x)
"""
