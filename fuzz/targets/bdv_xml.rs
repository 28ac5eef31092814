//! Reads text as a BigDataViewer XML and as a TeraStitcher project, and writes both again.
#![no_main]

use std::path::Path;

use hooke_io::bdv;
use hooke_io::terastitcher::TeraProject;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let path = Path::new("a.xml");
    if let Ok(data) = bdv::parse(path, text) {
        for setup in data.setups.keys() {
            if let Some(model) = data.first_model(*setup) {
                let _ = (model.has_rotation(), model.offset_px());
            }
        }
        let again = bdv::parse(path, &bdv::emit(&data)).expect("what is written can be read");
        assert_eq!(again.setups.len(), data.setups.len());
        assert_eq!(again.timepoints, data.timepoints);
    }
    if let Ok(project) = TeraProject::parse(path, text) {
        TeraProject::parse(path, &project.to_xml()).expect("what is written can be read");
    }
});
