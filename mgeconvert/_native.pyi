import numpy as np
from numpy.typing import NDArray

# max_abs, max_rel, sum_error2, sum_want2, sum_got2, dot, outside, nonfinite_mismatches
_Sums = tuple[float, float, float, float, float, float, int, int]

def difference_f32(
    got: NDArray[np.float32], want: NDArray[np.float32], rtol: float, atol: float
) -> _Sums: ...
def difference_f64(
    got: NDArray[np.float64], want: NDArray[np.float64], rtol: float, atol: float
) -> _Sums: ...
