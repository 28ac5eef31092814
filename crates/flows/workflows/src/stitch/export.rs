//! A layout for other programs.

use std::path::Path;

use hooke_stitch::Layout;

use super::error::StitchError;
use super::files::{folder_of, open_layout};
use super::tiles::{absolute, relative};

/// Writes a layout as `bdv-xml`, `terastitcher` or `csv`.
///
/// # Errors
/// When the layout cannot be read, its tiles lie in files the format cannot name, or the output
/// exists and `overwrite` is off.
pub fn export_layout(input: &Path, output: &Path, format: &str, overwrite: bool) -> Result<(), StitchError> {
    let layout = open_layout(input)?;
    if output.exists() && !overwrite {
        return Err(hooke_io::Error::Exists { path: output.to_owned() }.into());
    }
    let from = folder_of(input);
    let text = match format {
        "bdv-xml" => hooke_io::bdv::positions_xml(&bdv_tiles(&layout, &from), output)?,
        "terastitcher" => hooke_io::terastitcher::write(&tera_stacks(&layout, &from), output)?,
        _ => csv(&layout, &from, &folder_of(output)),
    };
    hooke_io::atomic::write_file(output, &[text.as_bytes()])?;
    Ok(())
}

fn csv(layout: &Layout, from: &Path, to: &Path) -> String {
    let mut text = String::from("path,dataset,series,name,grid_z,grid_y,grid_x,z_px,y_px,x_px\n");
    for tile in &layout.tiles {
        let path = relative(to, &absolute(from, &tile.source.path));
        let grid = tile.grid.map_or([String::new(), String::new(), String::new()], |g| g.zyx().map(|i| i.to_string()));
        let p = tile.current_px();
        let dataset = tile.source.dataset.clone().unwrap_or_default();
        text += &format!(
            "{},{},{},{},{},{},{},{},{},{}\n",
            quoted(&path), quoted(&dataset), tile.source.series, quoted(&tile.name),
            grid[0], grid[1], grid[2], p[0], p[1], p[2]
        );
    }
    text
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
