//! What kind of input a user named, and the tiles it lists.

use std::path::{Path, PathBuf};

use hooke_core::ImageSource;
use hooke_io::OpenOptions;
use hooke_io::expression::{Expression, TagValues};
use hooke_stitch::Layout;
use hooke_stitch::layout::{Grid, LayoutWarning};

use super::error::StitchError;
use super::input::{FoundTile, InputOptions, Position};

/// What an input turned out to be.
pub enum Found {
    /// A layout, and the folder its paths start at.
    Layout(Box<Layout>, PathBuf),
    /// A list of tiles, and what a user should know about it.
    Tiles(Vec<FoundTile>, Vec<LayoutWarning>),
}

/// Finds the tiles that an input names.
///
/// # Errors
/// When it names nothing, or cannot be read.
pub fn find(options: &InputOptions) -> Result<Found, StitchError> {
    let path = Path::new(&options.input);
    if options.input.contains(['<', '{']) && !path.exists() {
        return expression(&options.input, options).map(plain);
    }
    let suffix = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_lowercase();
    match suffix.as_str() {
        "json" => layout_or_table(path, options),
        "csv" | "parquet" => table(path, options).map(plain),
        "xml" => xml(path, options),
        _ if path.is_dir() && !is_container(path) => folder(path).map(plain),
        _ => container(path).map(plain),
    }
}

fn plain(tiles: Vec<FoundTile>) -> Found {
    Found::Tiles(tiles, Vec::new())
}

fn layout_or_table(path: &Path, options: &InputOptions) -> Result<Found, StitchError> {
    let text = read_text(path)?;
    let is_list = text.trim_start().starts_with('[');
    if is_list {
        return table(path, options).map(plain);
    }
    let layout = parse_layout(path, &text)?;
    Ok(Found::Layout(Box::new(layout), folder_of(path)))
}

/// Reads a `layout.json`.
///
/// # Errors
/// When the file cannot be read or contradicts itself.
pub fn open_layout(path: &Path) -> Result<Layout, StitchError> {
    parse_layout(path, &read_text(path)?)
}

fn parse_layout(path: &Path, text: &str) -> Result<Layout, StitchError> {
    Layout::from_json(text)
        .map_err(|source| StitchError::LayoutFile { path: path.to_owned(), source })
}

fn read_text(path: &Path) -> Result<String, StitchError> {
    Ok(std::fs::read_to_string(path).map_err(|e| hooke_io::Error::io(path, "read", e))?)
}

/// The folder a file lies in; `.` for a bare name.
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

fn is_container(path: &Path) -> bool {
    // In a folder of pictures every file is a tile.
    hooke_io::open(path, &OpenOptions::default()).is_ok_and(|d| d.format() != "image-folder")
}

fn name_of(path: &Path) -> String {
    path.file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
}

/// The files that an expression matches; `C` and all tags but `X Y Z` must be fixed.
fn expression(text: &str, options: &InputOptions) -> Result<Vec<FoundTile>, StitchError> {
    let expression: Expression = text.parse()?;
    let fixed = selections(&expression, options)?;
    let found = expression
        .find()
        .map_err(|error| StitchError::NothingMatches { star: text.contains('*'), error })?;
    let is = |values: &TagValues, (name, want): &(String, String)| {
        want == ANY || values.get(name).is_some_and(|v| v.is(want))
    };
    let (chosen, others): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|f| fixed.iter().all(|want| is(&f.values, want)));
    if chosen.is_empty() {
        return Err(none_selected(
            &expression,
            &fixed,
            &others.iter().map(|f| &f.values).collect::<Vec<_>>(),
        ));
    }
    let mut tiles = Vec::new();
    for file in chosen {
        tiles.push(FoundTile {
            name: name_of(&file.path),
            grid: Some(grid_of(&file.values, options)),
            channel: fixed.iter().any(|(n, _)| n == "C").then_some(0),
            dataset: None,
            series: 0,
            position: None,
            path: file.path,
        });
    }
    Ok(tiles)
}

/// The value of `--select` that any text is.
const ANY: &str = "*";

/// Files match, but none has the values that were asked for: says which there are.
fn none_selected(
    expression: &Expression,
    fixed: &[(String, String)],
    found: &[&TagValues],
) -> StitchError {
    let values = |name: &str| {
        let mut all: Vec<String> =
            found.iter().filter_map(|v| v.get(name)).map(|v| v.to_string()).collect();
        all.sort_by(|a, b| hooke_io::natural::natural_order(a, b));
        all.dedup();
        all.truncate(8);
        format!("--select {name}= one of {}", all.join(", "))
    };
    let wanted: Vec<String> = fixed.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let known: Vec<String> = fixed.iter().map(|(n, _)| values(n)).collect();
    StitchError::usage(
        format!("files match `{}`, but none has {}", expression.glob(), wanted.join(", ")),
        format!("give {}", known.join("; ")),
    )
}

/// Values for the tags that are no grid axes: from `--select`, and `C` from `--channel`.
fn selections(
    expression: &Expression,
    options: &InputOptions,
) -> Result<Vec<(String, String)>, StitchError> {
    let mut fixed: Vec<(String, String)> = Vec::new();
    for text in &options.select {
        let Some((name, value)) = text.split_once('=') else {
            return Err(StitchError::Tag(format!("`--select {text}` has no `=`")));
        };
        let Some(tag) = expression.tag(name) else {
            let known: Vec<&str> = expression.tags().iter().map(|t| t.name.as_str()).collect();
            return Err(StitchError::Tag(format!(
                "the expression has no tag `{name}`; it has {}",
                known.join(", ")
            )));
        };
        fixed.push((tag.name.clone(), value.to_owned()));
    }
    for tag in expression.tags() {
        let is_axis = matches!(tag.name.as_str(), "X" | "Y" | "Z");
        if is_axis || fixed.iter().any(|(name, _)| *name == tag.name) {
            continue;
        }
        if tag.name == "C" {
            fixed.push(("C".to_owned(), options.channel.clone()));
            continue;
        }
        return Err(StitchError::usage(
            format!("tag `{}` is no grid axis", tag.name),
            format!(
                "grid axes are Z, Y and X; choose files with --select {0}=VALUE, or take any with \
                 --select '{0}=*'",
                tag.name
            ),
        ));
    }
    Ok(fixed)
}

fn grid_of(values: &TagValues, options: &InputOptions) -> Grid {
    let index = |name: &str| values.integer(name).map_or(0, |v| v as i64);
    let (mut y, mut x) = (index("Y"), index("X"));
    if options.swap_xy {
        std::mem::swap(&mut y, &mut x);
    }
    Grid { z: index("Z"), y, x }
}

fn table(path: &Path, options: &InputOptions) -> Result<Vec<FoundTile>, StitchError> {
    let rows = hooke_io::tables::read_tiles(path)?;
    // The usual channel asks for nothing.
    let other = |c: usize| options.channel != "0" && options.channel.parse() != Ok(c);
    if rows.iter().any(|row| row.channel.is_some_and(other)) {
        return Err(StitchError::usage(
            format!(
                "--channel {}, but {} names channels of its own",
                options.channel,
                path.display()
            ),
            "leave --channel out, or its column `channel`",
        ));
    }
    let tile = |row: hooke_io::tables::TileRow| FoundTile {
        name: row.name.unwrap_or_else(|| name_of(&row.path)),
        path: row.path,
        dataset: row.dataset,
        series: row.series,
        channel: row.channel,
        grid: row.grid.map(Grid::new),
        position: row.position.map(|p| match p {
            hooke_io::tables::TilePosition::Px(p) => Position::Voxels(p),
            hooke_io::tables::TilePosition::Um(p) => Position::Micrometres(p),
        }),
    };
    Ok(rows.into_iter().map(tile).collect())
}

/// A folder of images whose files hold their stage positions.
fn folder(path: &Path) -> Result<Vec<FoundTile>, StitchError> {
    let entries = std::fs::read_dir(path).map_err(|e| hooke_io::Error::io(path, "list", e))?;
    let mut names: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| !name_of(p).starts_with('.') && !p.to_string_lossy().ends_with(".partial"))
        .collect();
    names.sort_by(|a, b| {
        hooke_io::natural::natural_order(&a.to_string_lossy(), &b.to_string_lossy())
    });
    let mut tiles = Vec::new();
    for name in names {
        match container(&name) {
            Ok(found) => tiles.extend(found),
            // A folder holds notes and tables too; a damaged image is no reason to leave a hole.
            Err(StitchError::Io(hooke_io::Error::Unrecognised { .. })) => {}
            Err(error) => return Err(error),
        }
    }
    if tiles.is_empty() {
        return Err(StitchError::Io(hooke_io::Error::NotThere {
            path: path.to_owned(),
            what: "image in this folder that Hooke reads; name the tiles by an expression like \
                   'FOLDER/tile_<Y,2>_<X,2>.tif', or list them in a table"
                .to_owned(),
        }));
    }
    Ok(tiles)
}

/// Every image of a container is a tile; labels are none, unless there is nothing else.
fn container(path: &Path) -> Result<Vec<FoundTile>, StitchError> {
    let opened = hooke_io::open(path, &OpenOptions::default())?;
    let several = opened.images().len() > 1;
    let only_labels = opened.images().iter().all(|i| i.meta().labels);
    let tile = |(series, image): (usize, &std::sync::Arc<dyn ImageSource>)| {
        let meta = image.meta();
        let name = if several { meta.name.clone() } else { name_of(path) };
        FoundTile {
            path: path.to_owned(),
            dataset: None,
            series,
            channel: None,
            name,
            grid: None,
            position: None,
        }
    };
    let images =
        opened.images().iter().enumerate().filter(|(_, i)| only_labels || !i.meta().labels);
    Ok(images.map(tile).collect())
}

/// A BigDataViewer or TeraStitcher XML.
fn xml(path: &Path, options: &InputOptions) -> Result<Found, StitchError> {
    let text = read_text(path)?;
    if text.contains("<TeraStitcher") {
        return terastitcher(path).map(plain);
    }
    let (found, problems) = hooke_io::bdv::read_tiles(path, options.ignore_rotation)?;
    let warning = |p: hooke_core::meta::Problem| LayoutWarning {
        code: p.code.replace('-', "_"),
        tile: None,
        pair: None,
        message: p.message,
    };
    let wanted: u64 = options.channel.parse().unwrap_or(0);
    // The usual channel is the first one, whatever its number.
    let is_there = |t: &hooke_io::bdv::BdvTile| t.sources.contains_key(&wanted);
    if options.channel != "0"
        && let Some(tile) =
            found.iter().find(|t| options.channel.parse() != Ok(wanted) || !is_there(t))
    {
        let known = tile.sources.keys().map(u64::to_string).collect();
        return Err(StitchError::NoChannel { wanted: options.channel.clone(), known });
    }
    let tile = |tile: hooke_io::bdv::BdvTile| {
        let source = tile.sources.get(&wanted).or_else(|| tile.sources.values().next())?;
        Some(FoundTile {
            path: source.path.clone(),
            dataset: None,
            series: source.series,
            channel: Some(source.channel.unwrap_or(0)),
            name: tile.name.clone(),
            grid: None,
            position: Some(Position::Voxels(tile.position_px)),
        })
    };
    let tiles = found.into_iter().filter_map(tile).collect();
    Ok(Found::Tiles(tiles, problems.into_iter().map(warning).collect()))
}

fn terastitcher(path: &Path) -> Result<Vec<FoundTile>, StitchError> {
    let project = hooke_io::terastitcher::TeraProject::read(path)?;
    let mut tiles = Vec::new();
    for stack in &project.stacks {
        let folder = project.stack_folder(path, stack);
        // A stack of one multi-page file names it; else the folder holds one file per slice.
        let one = folder.join(&stack.files);
        let file = if one.is_file() { one } else { folder };
        tiles.push(FoundTile {
            name: name_of(&file),
            path: file,
            dataset: None,
            series: 0,
            channel: None,
            grid: Some(Grid { z: 0, y: stack.row, x: stack.column }),
            position: Some(Position::Voxels(stack.position_px)),
        });
    }
    Ok(tiles)
}
