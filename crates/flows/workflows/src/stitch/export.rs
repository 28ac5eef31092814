//! A layout for other programs.

use std::path::Path;

use hooke_core::Origin;
use hooke_io::bdv;
use hooke_io::terastitcher::{TeraProject, TeraStack};
use hooke_stitch::{Layout, Tile};

use super::error::StitchError;
use super::files::{folder_of, open_layout};
use super::tiles::{absolute, relative};

/// Writes a layout as `bdv-xml`, `terastitcher` or `csv`.
///
/// # Errors
/// When the layout cannot be read, its tiles lie in files the format cannot name, or the output
/// exists and `overwrite` is off.
pub fn export_layout(
    input: &Path,
    output: &Path,
    format: &str,
    overwrite: bool,
) -> Result<(), StitchError> {
    let layout = open_layout(input)?;
    if output.exists() && !overwrite {
        return Err(hooke_io::Error::Exists { path: output.to_owned() }.into());
    }
    let from = folder_of(input);
    match format {
        "bdv-xml" => {
            let known = layout.voxel_size_um.filter(|v| v.origin != Origin::Assumed);
            bdv::export_tiles(output, &bdv_tiles(&layout, &from), known.map(|v| v.zyx()))?;
        }
        "terastitcher" => tera_project(&layout, &from).write(output)?,
        _ => {
            let text = csv(&layout, &from, &folder_of(output));
            hooke_io::atomic::write_file(output, &[text.as_bytes()])?;
        }
    }
    Ok(())
}

fn bdv_tiles(layout: &Layout, from: &Path) -> Vec<bdv::PlacedTile> {
    let placed = |tile: &Tile| bdv::PlacedTile {
        name: tile.name.clone(),
        path: absolute(from, &tile.source.path),
        series: tile.source.series,
        channel: tile.source.channel.unwrap_or(layout.align_channel),
        shape: tile.shape,
        position_px: tile.current_px(),
    };
    layout.tiles.iter().map(placed).collect()
}

fn tera_project(layout: &Layout, from: &Path) -> TeraProject {
    let stack = |tile: &Tile| {
        let file = absolute(from, &tile.source.path);
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = file.parent().unwrap_or(Path::new(".")).to_string_lossy().into_owned();
        TeraStack {
            row: tile.grid.map_or(0, |g| g.y),
            column: tile.grid.map_or(tile.id as i64, |g| g.x),
            position_px: tile.current_px(),
            folder,
            files: name,
            slices: tile.shape[0],
        }
    };
    TeraProject {
        stacks_dir: String::new(),
        voxel_size_um: layout.voxel_size_um.map_or([1.0; 3], |v| v.zyx()),
        stacks: layout.tiles.iter().map(stack).collect(),
    }
}

fn csv(layout: &Layout, from: &Path, to: &Path) -> String {
    let mut text = String::from("path,dataset,series,name,grid_z,grid_y,grid_x,z_px,y_px,x_px\n");
    for tile in &layout.tiles {
        let path = relative(to, &absolute(from, &tile.source.path));
        let grid = tile.grid.map_or([String::new(), String::new(), String::new()], |g| {
            g.zyx().map(|i| i.to_string())
        });
        let p = tile.current_px();
        let dataset = tile.source.dataset.clone().unwrap_or_default();
        text += &format!(
            "{},{},{},{},{},{},{},{},{},{}\n",
            quoted(&path),
            quoted(&dataset),
            tile.source.series,
            quoted(&tile.name),
            grid[0],
            grid[1],
            grid[2],
            p[0],
            p[1],
            p[2]
        );
    }
    text
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
