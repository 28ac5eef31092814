//! Array operations on images: Fourier transforms, smoothing, resampling, masks and labels.
//!
//! Pure functions on contiguous slices of shape `(z, y, x)`, slowest axis first; an image is a volume
//! of one plane. `_into` forms write to the caller's memory and are the ones to use in loops: a
//! fresh volume costs more than most of these operations. All are parallel in the current rayon pool
//! unless they say otherwise, and give the same bits for any number of threads.
//!
//! | module | holds |
//! | --- | --- |
//! | [`components`] | connected components, their sizes, removal of small objects and holes |
//! | [`distance`] | exact Euclidean distance transforms of masks and labels |
//! | [`fft`] | real Fourier transforms, zero-padded input, the centre of a correlation |
//! | [`fir`] | separable convolution with symmetric kernels |
//! | [`gaussian`] | Gaussian, difference of Gaussians, Laplacian of a Gaussian |
//! | [`integral`] | sums over boxes in constant time |
//! | [`morphology`] | erosion, dilation, opening and closing of masks |
//! | [`order`] | medians, quantiles, histograms, median filters, running minimum and maximum |
//! | [`project`] | maximum, minimum and mean along an axis |
//! | [`resample`] | binning, shifted regions, cubic B-splines with gradients |
//! | [`savgol`] | Savitzky-Golay smoothing and derivatives |

mod border;
mod column_blocks;
pub mod components;
mod connectivity;
pub mod distance;
pub mod fft;
pub mod fir;
pub mod gaussian;
pub mod integral;
pub mod morphology;
pub mod order;
pub mod project;
pub mod resample;
pub mod savgol;

pub use border::Border;
pub use connectivity::Connectivity;
