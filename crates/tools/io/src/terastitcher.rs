//! TeraStitcher's XML: tiles on a grid with their positions.
//!
//! TeraStitcher calls y `V` (vertical), x `H` (horizontal) and z `D` (depth).

use std::fmt::Write;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node, ParsingOptions};

use crate::{Error, Result};

/// A TeraStitcher project: where the stacks are and how they are placed.
#[derive(Debug, Clone, PartialEq)]
pub struct TeraProject {
    /// Folder of the stacks, as written.
    pub stacks_dir: String,
    /// Size of a voxel in µm over `(z, y, x)`.
    pub voxel_size_um: [f64; 3],
    /// The stacks, in the order of the file.
    pub stacks: Vec<TeraStack>,
}

/// One stack of a [`TeraProject`].
#[derive(Debug, Clone, PartialEq)]
pub struct TeraStack {
    /// Row on the grid.
    pub row: i64,
    /// Column on the grid.
    pub column: i64,
    /// Position of the first voxel over `(z, y, x)`, in voxels.
    pub position_px: [f64; 3],
    /// Folder of the stack, inside the folder of stacks.
    pub folder: String,
    /// Regular expression of the files of the stack; empty for all.
    pub files: String,
    /// Number of slices, the end of its range along z.
    pub slices: u64,
}

impl TeraProject {
    /// The folder of a stack, seen from here; `xml` is where the project was read from.
    pub fn stack_folder(&self, xml: &Path, stack: &TeraStack) -> PathBuf {
        let folder = xml.parent().unwrap_or(Path::new(""));
        let tidy = |text: &str| text.replace('\\', "/");
        folder.join(tidy(&self.stacks_dir)).join(tidy(&stack.folder))
    }

    /// Reads a project, from `xml_import.xml` to `xml_merging.xml`.
    ///
    /// # Errors
    /// [`Error::Corrupt`] for text that is not XML; [`Error::MetadataInvalid`] naming the element
    /// and attribute that is missing or no number.
    pub fn read(xml: &Path) -> Result<TeraProject> {
        let text = std::fs::read(xml).map_err(|e| Error::io(xml, "read", e))?;
        TeraProject::parse(xml, &String::from_utf8_lossy(&text))
    }

    /// Reads a project from its text; `path` is named in errors only.
    ///
    /// # Errors
    /// See [`TeraProject::read`].
    pub fn parse(path: &Path, text: &str) -> Result<TeraProject> {
        // Every such file begins with a DOCTYPE, which says nothing.
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text.trim_start_matches('\u{feff}'), options)
            .map_err(|e| Error::corrupt(path, format!("not XML: {e}")))?;
        let root = document.root_element();
        let bad = |what: String| Error::metadata(path, what);
        if root.tag_name().name() != "TeraStitcher" {
            let found = root.tag_name().name();
            return Err(bad(format!("`{found}` where TeraStitcher belongs")));
        }
        let find = |name: &str| {
            let found = root.children().find(|n| n.tag_name().name() == name);
            found.ok_or_else(|| bad(format!("no element {name}")))
        };
        let number = |node: Node<'_, '_>, name: &str| -> Result<f64> {
            let text = node.attribute(name).unwrap_or_default();
            let value = text.trim().parse().ok().filter(|v: &f64| v.is_finite());
            value.ok_or_else(|| {
                bad(format!("{name} of {} is `{text}`, not a number", node.tag_name().name()))
            })
        };
        let index = |node: Node<'_, '_>, name: &str| -> Result<i64> {
            let value = number(node, name)?;
            // No stage has so many tiles; differences of such numbers would overflow.
            let plausible = value.abs() <= 1e9;
            plausible.then_some(value as i64).ok_or_else(|| {
                bad(format!("{name} of {} is {value:e}, no grid index", node.tag_name().name()))
            })
        };
        let voxel = find("voxel_dims")?;
        let voxel_size_um = [number(voxel, "D")?, number(voxel, "V")?, number(voxel, "H")?];
        if voxel_size_um.iter().any(|v| *v <= 0.0) {
            return Err(bad(format!("voxel_dims {voxel_size_um:?} (D, V, H) are not positive")));
        }
        let mut stacks = Vec::new();
        for node in find("STACKS")?.children().filter(|n| n.tag_name().name() == "Stack") {
            let text = |name: &str| node.attribute(name).unwrap_or_default().to_owned();
            stacks.push(TeraStack {
                row: index(node, "ROW")?,
                column: index(node, "COL")?,
                position_px: [
                    number(node, "ABS_D")?,
                    number(node, "ABS_V")?,
                    number(node, "ABS_H")?,
                ],
                folder: text("DIR_NAME"),
                files: text("IMG_REGEX"),
                slices: last_slice(&text("Z_RANGES")),
            });
        }
        let stacks_dir = find("stacks_dir")?.attribute("value").unwrap_or_default().to_owned();
        Ok(TeraProject { stacks_dir, voxel_size_um, stacks })
    }

    /// The XML of the project, as TeraStitcher's `xml_merging.xml`: positions are rounded half to
    /// even, since TeraStitcher knows whole voxels only.
    pub fn to_xml(&self) -> String {
        let [d, v, h] = self.voxel_size_um;
        let rows = self.span(|s| s.row);
        let columns = self.span(|s| s.column);
        let slices = self.stacks.iter().map(|s| s.slices).max().unwrap_or(0);
        let step_v = self.step(|s| (s.row, s.column), 1) * v;
        let step_h = self.step(|s| (s.column, s.row), 2) * h;
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n");
        out.push_str("<!DOCTYPE TeraStitcher SYSTEM \"TeraStitcher.DTD\">\n");
        out.push_str("<TeraStitcher volume_format=\"TiledXY|3Dseries\" input_plugin=\"tiff3D\">\n");
        let mut line = |text: String| writeln!(out, "{text}").expect("a string takes everything");
        line(format!("    <stacks_dir value=\"{}\" />", escape(&self.stacks_dir)));
        line("    <ref_sys ref1=\"1\" ref2=\"2\" ref3=\"3\" />".to_owned());
        line(format!("    <voxel_dims V=\"{v}\" H=\"{h}\" D=\"{d}\" />"));
        line("    <origin V=\"0\" H=\"0\" D=\"0\" />".to_owned());
        line(format!("    <mechanical_displacements V=\"{step_v}\" H=\"{step_h}\" />"));
        line(format!(
            "    <dimensions stack_rows=\"{rows}\" stack_columns=\"{columns}\" \
             stack_slices=\"{slices}\" />"
        ));
        line("    <STACKS>".to_owned());
        for stack in &self.stacks {
            let [z, y, x] = stack.position_px.map(|p| p.round_ties_even() as i64);
            line(format!(
                "        <Stack N_CHANS=\"1\" N_BYTESxCHAN=\"2\" ROW=\"{}\" COL=\"{}\" \
                 ABS_V=\"{y}\" ABS_H=\"{x}\" ABS_D=\"{z}\" STITCHABLE=\"yes\" DIR_NAME=\"{}\" \
                 Z_RANGES=\"[0,{})\" IMG_REGEX=\"{}\">",
                stack.row,
                stack.column,
                escape(&stack.folder),
                stack.slices,
                escape(&stack.files)
            ));
            for side in ["NORTH", "EAST", "SOUTH", "WEST"] {
                line(format!("            <{side}_displacements />"));
            }
            line("        </Stack>".to_owned());
        }
        line("    </STACKS>".to_owned());
        line("</TeraStitcher>".to_owned());
        out
    }

    /// Writes the project, whole or not at all.
    ///
    /// # Errors
    /// [`Error::Io`] when the file cannot be written.
    pub fn write(&self, xml: &Path) -> Result<()> {
        crate::atomic::write_file(xml, &[self.to_xml().as_bytes()])?;
        Ok(())
    }

    /// Number of grid indices from the first to the last.
    fn span(&self, index: impl Fn(&TeraStack) -> i64) -> i64 {
        let (first, last) =
            (self.stacks.iter().map(&index).min(), self.stacks.iter().map(index).max());
        first.zip(last).map_or(0, |(a, b)| b - a + 1)
    }

    /// Median step in voxels along one axis between neighbours of the grid; 0 without neighbours.
    fn step(&self, index: impl Fn(&TeraStack) -> (i64, i64), axis: usize) -> f64 {
        let mut steps: Vec<f64> = Vec::new();
        for a in &self.stacks {
            let (along, across) = index(a);
            let next = self.stacks.iter().find(|b| index(b) == (along + 1, across));
            steps.extend(next.map(|b| b.position_px[axis] - a.position_px[axis]));
        }
        steps.sort_by(f64::total_cmp);
        steps.get(steps.len() / 2).copied().unwrap_or(0.0)
    }
}

/// The end of the last of the ranges `[0,100)[150,200)`.
fn last_slice(ranges: &str) -> u64 {
    let last = ranges.rsplit(',').next().unwrap_or_default();
    last.trim_end_matches([')', ']', ' ']).trim().parse().unwrap_or(0)
}

fn escape(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn project() -> TeraProject {
        let stack = |row, column, position_px| TeraStack {
            row,
            column,
            position_px,
            folder: format!("{row:06}/{row:06}_{column:06}"),
            files: r"a <&> \d+\.tif".to_owned(),
            slices: 32,
        };
        TeraProject {
            stacks_dir: "/data/my \"tiles\"".to_owned(),
            voxel_size_um: [2.0, 0.65, 0.65],
            stacks: vec![
                stack(0, 0, [0.0, 0.0, 0.0]),
                stack(0, 1, [-1.0, 3.0, 219.0]),
                stack(1, 0, [2.0, 220.0, -4.0]),
            ],
        }
    }

    #[test]
    fn a_project_survives_its_xml() {
        let text = project().to_xml();
        assert_eq!(TeraProject::parse(Path::new("a.xml"), &text).unwrap(), project());
        assert!(text.contains("stack_rows=\"2\" stack_columns=\"2\" stack_slices=\"32\""));
        assert!(text.contains("mechanical_displacements V=\"143\" H=\"142.35\""), "{text}");
        let mut fractional = project();
        fractional.stacks[1].position_px = [0.5, 1.5, -0.4];
        let back = TeraProject::parse(Path::new("a.xml"), &fractional.to_xml()).unwrap();
        assert_eq!(back.stacks[1].position_px, [0.0, 2.0, 0.0]);
    }

    #[test]
    fn a_project_of_the_tool_is_read() {
        let text = r#"<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE TeraStitcher SYSTEM "TeraStitcher.DTD">
<TeraStitcher volume_format="TiledXY|2Dseries" input_plugin="tiff2D">
    <stacks_dir value="..\tiles" />
    <ref_sys ref1="1" ref2="2" ref3="3" />
    <voxel_dims V="0.8" H="0.7" D="1" />
    <origin V="17.156" H="11.126" D="10" />
    <mechanical_displacements V="2783" H="2784" />
    <dimensions stack_rows="1" stack_columns="1" stack_slices="20" />
    <STACKS>
        <Stack N_CHANS="1" N_BYTESxCHAN="2" ROW="3" COL="1" ABS_V="100" ABS_H="-5" ABS_D="7"
               STITCHABLE="no" DIR_NAME="000000/000000_000000" Z_RANGES="[0,5)[9,20)" IMG_REGEX="">
            <NORTH_displacements />
            <EAST_displacements><Displacement TYPE="MIP_NCC"/></EAST_displacements>
        </Stack>
    </STACKS>
</TeraStitcher>"#;
        let project = TeraProject::parse(Path::new("x/a.xml"), text).unwrap();
        assert_eq!(project.voxel_size_um, [1.0, 0.8, 0.7]);
        let stack = &project.stacks[0];
        assert_eq!((stack.position_px, stack.row, stack.slices), ([7.0, 100.0, -5.0], 3, 20));
        let folder = project.stack_folder(Path::new("x/a.xml"), stack);
        assert_eq!(folder, Path::new("x/../tiles/000000/000000_000000"));
        let error = TeraProject::parse(Path::new("a.xml"), &text.replace("\"100\"", "\"up\""));
        assert_eq!(
            error.unwrap_err().to_string(),
            "a.xml: invalid metadata: ABS_V of Stack is `up`, not a number"
        );
        assert!(TeraProject::parse(Path::new("a.xml"), &text.replace("STACKS", "STICKS")).is_err());
        let far = text.replace("ROW=\"3\"", "ROW=\"444444444444444444444444\"");
        let error = TeraProject::parse(Path::new("a.xml"), &far).unwrap_err().to_string();
        assert!(error.contains("ROW of Stack is 4.444"), "{error}");
    }
}
