//! A Zarr folder as a [`Dataset`]: images, their labels, collections, plain arrays.

use std::path::Path;
use std::sync::Arc;

use hooke_core::{Dataset, ImageSource, Problem};

use super::array::{Kind, Node, ZarrArray};
use super::image::ZarrImage;
use super::{PENDING, ngff, store};
use crate::error::{Error, Result};
use crate::http;
use crate::open::{OpenOptions, Probe};

/// How many groups deep images are looked for.
const DEEPEST: usize = 8;

/// An opened Zarr folder.
struct ZarrDataset {
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
    format: &'static str,
    version: Option<String>,
}

impl Dataset for ZarrDataset {
    fn format(&self) -> &'static str {
        self.format
    }

    fn format_version(&self) -> Option<String> {
        self.version.clone()
    }

    fn images(&self) -> &[Arc<dyn ImageSource>] {
        &self.images
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Whether a folder is a Zarr node.
pub fn recognises(probe: &Probe) -> bool {
    ["zarr.json", ".zarray", ".zgroup", ".zattrs", PENDING].iter().any(|name| probe.holds(name))
}

/// Opens an OME-Zarr image, a collection of them, or plain Zarr arrays.
///
/// Labels follow their image as further images. With `dataset`, only that node is opened.
///
/// # Errors
/// [`Error::Incomplete`] for an image whose writing has not finished, [`Error::MetadataInvalid`] for
/// contradictions, [`Error::NotThere`] when no array can be read as an image.
pub fn open(path: &Path, how: &OpenOptions) -> Result<Box<dyn Dataset>> {
    let mut found =
        Search { root: path, how, ome: false, version: None, images: vec![], problems: vec![] };
    let start = how.dataset.as_deref().unwrap_or_default();
    let start = ngff::inside(start).ok_or_else(|| Error::NotThere {
        path: path.to_owned(),
        what: format!("dataset `{start}`"),
    })?;
    // Nobody writes to a server through its addresses.
    if !http::is_url(path) && found.folder(&start).join(PENDING).is_file() {
        let what = "it is still being written, or its writer was stopped".to_owned();
        return Err(Error::Incomplete { path: path.to_owned(), what });
    }
    let node = found.node(&start)?.ok_or_else(|| Error::NotThere {
        path: path.to_owned(),
        what: format!("Zarr node `{start}`"),
    })?;
    found.collect(&start, &node, 0)?;
    if found.images.is_empty() {
        let what = "array of two to five dimensions with numbers in it".to_owned();
        return Err(Error::NotThere { path: path.to_owned(), what });
    }
    Ok(Box::new(ZarrDataset {
        images: found.images,
        problems: found.problems,
        format: if found.ome { "ome-zarr" } else { "zarr" },
        version: found.version,
    }))
}

struct Search<'a> {
    root: &'a Path,
    how: &'a OpenOptions,
    ome: bool,
    version: Option<String>,
    images: Vec<Arc<dyn ImageSource>>,
    problems: Vec<Problem>,
}

impl Search<'_> {
    fn folder(&self, node: &str) -> std::path::PathBuf {
        if node.is_empty() { self.root.to_owned() } else { self.root.join(node) }
    }

    fn node(&self, node: &str) -> Result<Option<Node>> {
        Node::read(&self.folder(node))
    }

    /// The last part of the node's path, or the container's name without its suffixes.
    fn name(&self, node: &str) -> String {
        if let Some(last) = node.rsplit('/').next().filter(|l| !l.is_empty()) {
            return last.to_owned();
        }
        let name =
            self.root.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let stem = name.strip_suffix(".zarr").unwrap_or(&name);
        stem.strip_suffix(".ome").unwrap_or(stem).to_owned()
    }

    /// Takes every image at and below a node.
    fn collect(&mut self, path: &str, node: &Node, depth: usize) -> Result<()> {
        if node.kind == Kind::Array {
            let array = ZarrArray::new(self.root, path, node)?;
            self.version.get_or_insert_with(|| node.version.to_string());
            let name = self.name(path);
            let image = ZarrImage::plain(array, &name, self.how, &mut self.problems)?;
            self.images.push(Arc::new(image));
            return Ok(());
        }
        if ngff::ome(&node.attributes).contains_key("multiscales") {
            return self.pyramid(path, node);
        }
        let children = self.children(path)?;
        if depth == DEEPEST {
            return Ok(());
        }
        for child in children {
            let at = if path.is_empty() { child } else { format!("{path}/{child}") };
            // The search goes on past what cannot be read, unless that is what was asked for.
            let below = self.node(&at).and_then(|node| match node {
                Some(node) => self.collect(&at, &node, depth + 1),
                None => Ok(()),
            });
            if let Err(error) = below {
                self.problems.push(Problem::warning("metadata-invalid", error.to_string()));
            }
        }
        Ok(())
    }

    /// Groups below a group, in natural order.
    fn children(&self, path: &str) -> Result<Vec<String>> {
        store::children(&self.folder(path), |folder| Ok(Node::read(folder)?.is_some()))
    }

    fn pyramid(&mut self, path: &str, node: &Node) -> Result<()> {
        self.ome = true;
        let name = self.name(path);
        let read = ngff::multiscale(&node.attributes).map_err(|e| Error::metadata(self.root, e));
        let image = read.and_then(|multiscale| {
            let multiscale = multiscale.expect("the group has multiscales");
            if let Some(version) = &multiscale.version {
                self.version.get_or_insert_with(|| version.clone());
            }
            let problems = &mut self.problems;
            ZarrImage::pyramid(
                self.root,
                path,
                &multiscale,
                &node.attributes,
                &name,
                self.how,
                problems,
            )
        });
        match image {
            Ok(image) => self.images.push(Arc::new(image)),
            Err(error) if self.how.rescue => self.rescue(path, &name, error)?,
            Err(error) => return Err(error),
        }
        self.labels(path)
    }

    /// With invalid metadata, the largest array of the group is level 0.
    fn rescue(&mut self, path: &str, name: &str, error: Error) -> Result<()> {
        let mut best: Option<ZarrArray> = None;
        for child in self.children(path)? {
            let at = if path.is_empty() { child } else { format!("{path}/{child}") };
            if let Ok(array) = ZarrArray::open(self.root, &at) {
                let voxels = |a: &ZarrArray| a.shape.iter().product::<u64>();
                if best.as_ref().is_none_or(|b| voxels(&array) > voxels(b)) {
                    best = Some(array);
                }
            }
        }
        let Some(array) = best else { return Err(error) };
        self.problems.push(Problem::warning("metadata-invalid", error.to_string()));
        let image = ZarrImage::plain(array, name, self.how, &mut self.problems)?;
        self.images.push(Arc::new(image));
        Ok(())
    }

    /// The label images of an image.
    fn labels(&mut self, path: &str) -> Result<()> {
        let group = if path.is_empty() { "labels".to_owned() } else { format!("{path}/labels") };
        let Some(node) = self.node(&group)? else { return Ok(()) };
        let names = ngff::ome(&node.attributes).get("labels").and_then(|l| l.as_array()).cloned();
        for name in names.unwrap_or_default() {
            let name = name.as_str().and_then(ngff::inside).unwrap_or_default();
            let at = format!("{group}/{name}");
            let found = if name.is_empty() { None } else { self.node(&at)? };
            let read = found.map(|node| (ngff::multiscale(&node.attributes), node));
            let Some((Ok(Some(mut multiscale)), node)) = read else {
                let what = format!("{group} names a label image `{name}` that is not there");
                self.problems.push(Problem::warning("metadata-invalid", what));
                continue;
            };
            multiscale.name = None;
            let problems = &mut self.problems;
            let image = ZarrImage::pyramid(
                self.root,
                &at,
                &multiscale,
                &node.attributes,
                &name,
                self.how,
                problems,
            );
            match image {
                Ok(mut image) => {
                    image.meta_mut().labels = true;
                    self.images.push(Arc::new(image));
                }
                Err(e) => self.problems.push(Problem::warning("metadata-invalid", e.to_string())),
            }
        }
        Ok(())
    }
}
