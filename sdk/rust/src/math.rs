//! One meaning of ln, exp, pow and their kin, natively and in the sandbox: the `libm` crate.
//!
//! The standard library's functions come from the platform and differ in a bit for one input in
//! ten.

pub use libm::{
    cbrt, ceil, cos, erf, exp, exp2, expm1, fabs, floor, fmax, fmin, hypot, log as ln, log1p, log2,
    log10, pow, round, sin, sqrt, tan, tanh, trunc,
};
