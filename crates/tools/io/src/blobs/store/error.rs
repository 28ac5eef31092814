//! What can go wrong with a store.

use std::path::PathBuf;

use thiserror::Error;

/// Why a store could not be read or added to.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file cannot be read or written, or is no store.
    #[error(transparent)]
    File(#[from] crate::Error),
    /// An experiment that is not there, or none named where there are several.
    #[error("{}: {}", path.display(), no_experiment(wanted, names))]
    NoExperiment {
        /// The store.
        path: PathBuf,
        /// The name asked for.
        wanted: Option<String>,
        /// The names there are.
        names: Vec<String>,
    },
    /// An experiment whose voxels have another size.
    #[error(
        "{}: experiment `{experiment}` has voxels of {stored:?} um, these blobs have {given:?}",
        path.display()
    )]
    OtherVoxels {
        /// The store.
        path: PathBuf,
        /// The experiment.
        experiment: String,
        /// The size in the store.
        stored: [f64; 3],
        /// The size of what was to be added.
        given: [f64; 3],
    },
    /// A match of a blob that is neither among the blobs nor in the store.
    #[error("match {match_id}: there is no blob {blob_id} in experiment `{experiment}`")]
    NoBlob {
        /// The match.
        match_id: u64,
        /// The blob.
        blob_id: u64,
        /// The experiment.
        experiment: String,
    },
    /// A match of an id that several blobs have.
    #[error("match {match_id}: {count} blobs of experiment `{experiment}` have the id {blob_id}")]
    SharedId {
        /// The match.
        match_id: u64,
        /// The id.
        blob_id: u64,
        /// The experiment.
        experiment: String,
        /// How many blobs have it.
        count: usize,
    },
    /// A match whose channels are not those of its blobs.
    #[error(
        "match {match_id}: channels {stated:?}, but its blobs are of channels {found:?}: \
         these are matches of other blobs"
    )]
    OtherBlobs {
        /// The match.
        match_id: u64,
        /// The channels the match states.
        stated: [u16; 2],
        /// The channels of the blobs.
        found: [u16; 2],
    },
}

fn no_experiment(wanted: &Option<String>, names: &[String]) -> String {
    match (wanted, names) {
        (_, []) => "the store has no experiment".to_owned(),
        (Some(name), names) => {
            format!("no experiment `{name}`; there are {}", names.join(", "))
        }
        (None, names) => format!("several experiments: {}", names.join(", ")),
    }
}
