//! cellfinder's XML of markers.

use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use hooke_core::{Blob, Review};
use quick_xml::Reader;
use quick_xml::events::Event;

use crate::atomic::AtomicFile;
use crate::blobs::{BlobFile, BlobImage, BlobSet, number_in_order};
use crate::tables::TableError;
use crate::{Error, Result};

/// cellfinder's numbers for what is a cell, and for what is not or not known.
const CELL: &str = "2";
const OTHER: &str = "1";

/// Writes markers: type 2 for blobs that a person confirmed, 1 for the others; whole voxels.
pub(super) fn write(path: &Path, blobs: &[Blob]) -> Result<(), TableError> {
    let mut file = AtomicFile::create(path)?;
    let fill = |out: &mut dyn Write| -> std::io::Result<()> {
        writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(out, "<CellCounter_Marker_File>\n  <Image_Properties>")?;
        writeln!(out, "    <Image_Filename>placeholder.tif</Image_Filename>")?;
        writeln!(
            out,
            "  </Image_Properties>\n  <Marker_Data>\n    <Current_Type>1</Current_Type>"
        )?;
        for (kind, confirmed) in [(OTHER, false), (CELL, true)] {
            writeln!(out, "    <Marker_Type>\n      <Type>{kind}</Type>")?;
            for blob in blobs.iter().filter(|b| (b.confirmed == Review::Confirmed) == confirmed) {
                let [z, y, x] = blob.position.map(|v| v.round_ties_even() as i64);
                writeln!(
                    out,
                    "      <Marker><MarkerX>{x}</MarkerX><MarkerY>{y}</MarkerY><MarkerZ>{z}</MarkerZ></Marker>"
                )?;
            }
            writeln!(out, "    </Marker_Type>")?;
        }
        writeln!(out, "  </Marker_Data>\n</CellCounter_Marker_File>")
    };
    let mut out = BufWriter::new(&mut file);
    fill(&mut out).and_then(|()| out.flush()).map_err(|e| Error::io(path, "write", e))?;
    drop(out);
    file.commit_unstamped()?;
    Ok(())
}

/// Reads markers: type 2 is a confirmed cell. Channel and radius are not in the file: both are 0.
pub(super) fn read(path: &Path, image: &BlobImage) -> Result<BlobFile, TableError> {
    let mut blobs = Markers::read(path, image)?;
    number_in_order(&mut blobs, &mut []);
    Ok(BlobSet { blobs, image: Some(image.clone()), ..BlobSet::default() }.into())
}

/// A file of markers, being read.
struct Markers<'a> {
    path: &'a Path,
    image: &'a BlobImage,
    source: Arc<str>,
    confirmed: Review,
    place: [Option<f64>; 3],
    blobs: Vec<Blob>,
}

impl<'a> Markers<'a> {
    fn read(path: &'a Path, image: &'a BlobImage) -> Result<Vec<Blob>> {
        let mut markers = Markers {
            path,
            image,
            source: "cellfinder".into(),
            confirmed: Review::Unseen,
            place: [None; 3],
            blobs: Vec::new(),
        };
        let mut reader = Reader::from_file(path).map_err(|e| match e {
            quick_xml::Error::Io(e) => Error::io(path, "open", std::io::Error::from(e.kind())),
            other => Error::corrupt(path, format!("XML: {other}")),
        })?;
        let bad = |what: String| Error::corrupt(path, format!("XML: {what}"));
        let (mut buffer, mut open, mut text) = (Vec::new(), Vec::new(), String::new());
        let mut is_markers = false;
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer).map_err(|e| bad(e.to_string()))? {
                Event::Start(tag) => {
                    let name = tag.name().as_ref().to_owned();
                    is_markers |= open.is_empty() && name == "CellCounter_Marker_File";
                    if open.len() > 64 {
                        return Err(bad("elements nested too deeply".to_owned()));
                    }
                    open.push(name);
                    text.clear();
                }
                Event::Text(more) => text += &more,
                Event::End(_) => {
                    let Some(name) = open.pop() else { continue };
                    markers.close(&name, text.trim())?;
                    text.clear();
                }
                Event::Eof => break,
                _ => {}
            }
        }
        if !open.is_empty() {
            return Err(bad(format!("`{}` is not closed", open.join("/"))));
        }
        if !is_markers {
            let found = "no element CellCounter_Marker_File".to_owned();
            return Err(Error::Unrecognised { path: path.to_owned(), found });
        }
        Ok(markers.blobs)
    }

    fn close(&mut self, name: &str, text: &str) -> Result<()> {
        let axis = ["MarkerZ", "MarkerY", "MarkerX"].iter().position(|n| *n == name);
        match (name, axis) {
            (_, Some(d)) => {
                let number = text.parse().ok().filter(|v: &f64| v.is_finite());
                let bad = || Error::corrupt(self.path, format!("`{name}` is `{text}`, no number"));
                self.place[d] = Some(number.ok_or_else(bad)?);
            }
            ("Type", _) => {
                self.confirmed = if text == CELL { Review::Confirmed } else { Review::Unseen };
            }
            ("Marker", _) => {
                let [Some(z), Some(y), Some(x)] = std::mem::take(&mut self.place) else {
                    let what = format!("marker {} has no place", self.blobs.len() + 1);
                    return Err(Error::corrupt(self.path, what));
                };
                let place = [z, y, x];
                let mut blob = Blob::at(0, place, self.image.to_um(place), 0.0, &self.source);
                blob.confirmed = self.confirmed;
                self.blobs.push(blob);
            }
            _ => {}
        }
        Ok(())
    }
}
