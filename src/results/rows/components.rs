//! What components carry: adapters, heat maps of covariances, spectra.

use crate::results::record::record;

record! {
    /// What the adapter carries that is made of the components which one arm takes from one linear at one point. One row per
    /// calibration listed under `adapters.energy`; a single row without `text` if none is listed.
    pub struct AdapterRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the arm; `lora` for plain LoRA.
        pub arm: String,
        /// Label of the arm in tables and legends.
        pub label: String,
        /// Decomposition, as the spec names it; `lora` for plain LoRA.
        pub method: String,
        /// Components asked for at this point of `discard`, r. Unit: components.
        pub components: u32,
        /// Hugging Face name of the linear.
        pub linear: String,
        /// Index of the linear's block, counted from 0. Unit: blocks.
        pub layer: u32,
        /// Rank of the adapter of this linear, at most r. Unit: components.
        pub rank: u32,
        /// Frobenius norm of the adapter relative to the weights, ‖B A‖ / ‖W‖. Unit: ratio, from 0 to 1.
        pub energy: f64,
        /// Name of the calibration on whose text `output_share` was measured; empty if no text was asked for.
        pub text: Option<String>,
        /// Share of the energy of the linear's output that the adapter carries on that text, ‖B A Xᵀ‖² / ‖W Xᵀ‖². Empty if no
        /// text was asked for. Unit: ratio.
        pub output_share: Option<f64>,
    }
}

record! {
    /// One cell of the heat map of a covariance (the paper's Figures 4 and 5).
    pub struct HeatRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Hugging Face name of the linear whose input the covariance describes.
        pub linear: String,
        /// Name of the calibration.
        pub calibration: String,
        /// Row of the cell from the top, counted from 0. Unit: cells.
        pub row: u32,
        /// Column of the cell from the left, counted from 0. Unit: cells.
        pub column: u32,
        /// Mean of the absolute covariances inside the cell. Unit: that of the covariance.
        pub value: f64,
    }
}

record! {
    /// One singular value of W T, for one target linear and one arm.
    pub struct SpectrumRow {
        /// Name of the experiment.
        pub experiment: String,
        /// Id of the arm.
        pub arm: String,
        /// Label of the arm in tables and legends.
        pub label: String,
        /// Decomposition, as the spec names it.
        pub method: String,
        /// Hugging Face name of the linear.
        pub linear: String,
        /// Position in descending order, counted from 0 (the largest). Unit: components.
        pub index: u32,
        /// The singular value of W T. Unit: that of W T.
        pub value: f64,
        /// The singular value of W T / ‖W T‖, so that the squares of a linear's values sum to 1. Unit: ratio, from 0 to 1.
        pub normalised: f64,
    }
}
