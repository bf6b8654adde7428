//! `xtask TARGET OUT`: JavaScript and types for the wasm modules that cargo built into `TARGET`, each with its profile.
//! The crate `wasm-bindgen-cli-support` rather than the command, because Cargo.lock pins a crate.

use std::{env, error::Error, path::PathBuf};

use wasm_bindgen_cli_support::Bindgen;

fn main() -> Result<(), Box<dyn Error>> {
    let mut folders = env::args_os().skip(1).map(PathBuf::from);
    let (Some(target), Some(out)) = (folders.next(), folders.next()) else {
        return Err("usage: xtask TARGET OUT".into());
    };
    for (module, profile, folder, name) in [
        ("flcm_flags_wasm", "wasm", "wasm", "flags"),
        ("flcm_flags_wasm_compile", "wasm", "compile", "compile"),
        ("flcm_flags_page", "page", "page", "flags-page"),
        ("flcm_flags_compact", "page", "compact", "flags-compact"),
    ] {
        Bindgen::new()
            .input_path(target.join("wasm32-unknown-unknown").join(profile).join(module).with_extension("wasm"))
            .out_name(name)
            // For every host, not browsers alone: the bytes are an argument. The loaders know where they are, so that
            // an entry which is given its module names no file to a bundler.
            .web(true)?
            .omit_default_module_path(true)
            .typescript(true)
            .remove_name_section(true)
            .remove_producers_section(true)
            .generate(out.join(folder))?;
    }
    Ok(())
}
