//! `hooke blobs import`: files of any program into a store, or into one table.

use std::path::{Path, PathBuf};

use hooke_core::Budget;
use hooke_core::plan::InputStamp;
use hooke_io::blobs::peers::BlobFormat;
use hooke_io::blobs::store::{BlobStore, Import, Imported, StoreError, is_store};
use hooke_io::blobs::{BlobSet, TableMeta, number_in_order, write_rows};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::error::BlobsError;
use super::gather::{Gathered, gather};
use super::options::{absolute, now, stem};
use crate::engine::{BlockContext, BlockError, stamp_input};
use crate::step::{Done, Step};

/// What is imported, and how, as typed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ImportOptions {
    /// Files of blobs.
    pub sources: Vec<PathBuf>,
    /// Their format; by name and content when missing.
    pub format: Option<String>,
    /// The experiment; the file's own name for it, or its stem, when missing.
    pub experiment: Option<String>,
    /// Tables of matches between the blobs.
    pub matches: Vec<PathBuf>,
    /// Voxel size in µm; overrides the files.
    pub voxel_size: Option<String>,
    /// Region of the image that the blobs belong to, `OFFSET:SHAPE`.
    pub roi: Option<String>,
    /// The store, or a table.
    pub output: PathBuf,
}

impl ImportOptions {
    fn absolute(self) -> ImportOptions {
        let all = |paths: Vec<PathBuf>| paths.iter().map(|p| absolute(p)).collect();
        ImportOptions {
            sources: all(self.sources),
            matches: all(self.matches),
            output: absolute(&self.output),
            ..self
        }
    }
}

/// Whether an output is a table, not a store.
pub fn is_table(output: &Path) -> bool {
    output.extension().is_some_and(|e| e.eq_ignore_ascii_case("parquet"))
}

/// Says whether a file is a store that blobs can be added to.
///
/// # Errors
/// When it is none, or cannot be read.
pub fn check_store(store: &Path) -> Result<(), BlobsError> {
    BlobStore::open_to_read(store)?;
    Ok(())
}

/// Refuses a store that would have the name of something else.
fn check_name(output: &Path) -> Result<(), BlobsError> {
    match BlobFormat::of_suffix(output) {
        None | Some(BlobFormat::MagmapDb) => Ok(()),
        Some(_) => {
            let what = format!("{}: neither a store nor a .parquet", output.display());
            Err(BlobsError::usage(what, "name a store .sqlite, or import and then export"))
        }
    }
}

/// What an import into a store came to: for people, for programs, and what to be warned of.
pub type Told = (String, Value, Vec<(String, String)>);

/// Adds the sources to a store, which is made when it is not there: all of them or, after an error or
/// a kill, none.
///
/// # Errors
/// When a source cannot be read, matches do not belong to the blobs, or the store is none; the store
/// is then as it was.
pub fn import(options: &ImportOptions) -> Result<Told, BlobsError> {
    let options = options.clone().absolute();
    check_name(&options.output)?;
    let gathered = gather(&options)?;
    let prepared = prepare(&options, &gathered)?;
    let date = now();
    let imports: Vec<Import<'_>> = prepared.iter().map(|p| p.import(&date)).collect();
    let add = |store: &mut BlobStore| store.import(&imports);
    let done = match options.output.exists() {
        true => add(&mut BlobStore::open(&options.output)?)?,
        false => BlobStore::create::<_, StoreError>(&options.output, add)?,
    };
    Ok(told(&prepared, Some(&done), gathered.warnings.clone()))
}

/// Reads the sources and tells what [`import`] would add; writes nothing.
///
/// # Errors
/// As [`import`].
pub fn look(options: &ImportOptions) -> Result<Told, BlobsError> {
    let options = options.clone().absolute();
    check_name(&options.output)?;
    let gathered = gather(&options)?;
    if options.output.exists() {
        BlobStore::open_to_read(&options.output)?;
    }
    Ok(told(&prepare(&options, &gathered)?, None, gathered.warnings.clone()))
}

/// A set with the experiment it goes to.
struct Prepared<'a> {
    experiment: String,
    set: &'a BlobSet,
    meta: TableMeta,
    rule: &'a str,
}

impl Prepared<'_> {
    fn import<'b>(&'b self, date: &'b str) -> Import<'b> {
        Import {
            experiment: &self.experiment,
            date: Some(self.set.date.as_deref().unwrap_or(date)),
            roi: self.set.roi,
            meta: &self.meta,
            blobs: &self.set.blobs,
            pairs: &self.set.pairs,
            rule: self.rule,
        }
    }
}

fn prepare<'a>(
    options: &ImportOptions,
    gathered: &'a Gathered,
) -> Result<Vec<Prepared<'a>>, BlobsError> {
    let mut names: Vec<&str> =
        gathered.sets.iter().filter_map(|(_, s)| s.experiment.as_deref()).collect();
    names.sort_unstable();
    names.dedup();
    if let (Some(name), true) = (&options.experiment, names.len() > 1) {
        let what = format!("--experiment {name}: the sources hold several, {}", names.join(", "));
        return Err(BlobsError::usage(what, "leave it out: each keeps its own name"));
    }
    let of = |(path, set): &(PathBuf, BlobSet)| {
        // The archives of MagellanMapper name an image that several of them may share.
        let own = set.experiment.clone().filter(|_| path.extension().is_none_or(|e| e != "npz"));
        options.experiment.clone().or(own).unwrap_or_else(|| stem(path))
    };
    let prepared = gathered.sets.iter().zip(&gathered.rules).map(|(entry, rule)| Prepared {
        experiment: of(entry),
        set: &entry.1,
        meta: TableMeta { image: entry.1.image.clone(), parameters: entry.1.parameters.clone() },
        rule,
    });
    Ok(prepared.collect())
}

fn told(
    prepared: &[Prepared<'_>],
    done: Option<&[Imported]>,
    mut warnings: Vec<(String, String)>,
) -> Told {
    let (mut text, mut all) = (String::new(), Vec::new());
    for (index, prepared) in prepared.iter().enumerate() {
        let (name, set) = (&prepared.experiment, prepared.set);
        let mut entry = json!({
            "experiment": name, "blobs": set.blobs.len(), "matches": set.pairs.len(),
        });
        let mut line = format!("{name}: {} blobs, {} matches", set.blobs.len(), set.pairs.len());
        if let Some(done) = done.and_then(|d| d.get(index)) {
            entry["new_blobs"] = done.new_blobs.into();
            entry["new_matches"] = done.new_matches.into();
            entry["same_place"] = done.same_place.into();
            line += &format!("; {} and {} are new", done.new_blobs, done.new_matches);
            if done.same_place > 0 {
                let what = format!(
                    "{name}: {} blobs lie where another of their channel does, and are one row with it",
                    done.same_place
                );
                warnings.push(("same-place".to_owned(), what));
            }
        }
        text += &line;
        text.push('\n');
        all.push(entry);
    }
    (text, json!({"experiments": all}), warnings)
}

/// `hooke blobs import` into a table.
pub struct ImportTable {
    options: ImportOptions,
    gathered: Gathered,
}

impl Step for ImportTable {
    const COMMAND: &'static str = "blobs import";
    type Parameters = ImportOptions;
    type Error = BlobsError;

    fn open(options: ImportOptions) -> Result<ImportTable, BlobsError> {
        let options = options.absolute();
        let given = [
            ("experiment", options.experiment.is_some()),
            ("matches", !options.matches.is_empty()),
            ("roi", options.roi.is_some()),
        ];
        if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
            let what = format!("--{name}: a table of blobs has no place for it");
            return Err(BlobsError::usage(what, "leave it out, or write a store"));
        }
        if is_store(&options.output) {
            let what = format!("{}: a store, which is never replaced", options.output.display());
            return Err(BlobsError::usage(what, "give the table another name"));
        }
        let gathered = gather(&options)?;
        Ok(ImportTable { options, gathered })
    }

    fn parameters(&self) -> &ImportOptions {
        &self.options
    }

    fn inputs(&self) -> Result<Vec<InputStamp>, BlobsError> {
        self.options.sources.iter().map(|p| Ok(stamp_input(p, None)?)).collect()
    }

    fn outputs(&self) -> Vec<(PathBuf, &'static str)> {
        vec![(self.options.output.clone(), "parquet")]
    }

    fn bytes(&self, _: &Budget) -> u64 {
        let blobs: usize = self.gathered.sets.iter().map(|(_, s)| s.blobs.len()).sum();
        (64 << 20) + 512 * blobs as u64
    }

    fn run(&self, places: &[PathBuf], _: &mut BlockContext<'_>) -> Result<Done, BlockError> {
        let sets = &self.gathered.sets;
        let mut blobs = Vec::with_capacity(sets.iter().map(|(_, s)| s.blobs.len()).sum());
        sets.iter().for_each(|(_, set)| blobs.extend_from_slice(&set.blobs));
        number_in_order(&mut blobs, &mut []);
        let first = sets.first().map(|(_, set)| set);
        let same = |set: &BlobSet| first.is_some_and(|f| f.image == set.image);
        // What differs between the sources is said of none.
        let image =
            first.and_then(|f| f.image.clone()).filter(|_| sets.iter().all(|(_, s)| same(s)));
        let parameters = match sets.as_slice() {
            [(_, one)] => one.parameters.clone(),
            _ => None,
        };
        write_rows(&places[0], &blobs, &TableMeta { image, parameters })?;
        Ok(Done { result: json!({"blobs": blobs.len()}), warnings: self.gathered.warnings.clone() })
    }
}
