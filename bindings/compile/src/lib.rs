//! The document compiler as WebAssembly: what `bindings/binding.d.ts` calls `CompilerBinding`. Each function converts
//! its arguments and makes one call of `flcm_flags_ffi::documents`.
//!
//! It is a module of its own, so that the one that decides stays small. Explanations are in it as well. What has a
//! structure crosses as JSON text: objects made by `serde-wasm-bindgen` would add 24 KB and take microseconds each, and
//! text has the same bytes in every engine.

use flcm_flags_ffi::documents;
use js_sys::{Error, JsString, Reflect};
use wasm_bindgen::prelude::*;

/// Smaller than the allocator that Rust brings for WebAssembly.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// What became of a document.
#[derive(Debug)]
#[wasm_bindgen(js_name = CompiledText, getter_with_clone)]
pub struct Compiled {
    /// The snapshot; `undefined` when there were errors.
    #[wasm_bindgen(readonly)]
    pub snapshot: Option<Vec<u8>>,
    /// All problems, as JSON text.
    #[wasm_bindgen(readonly)]
    pub diagnostics: String,
    /// All problems as text for people.
    #[wasm_bindgen(readonly)]
    pub report: String,
}

/// Version of the compiler.
#[must_use]
#[wasm_bindgen]
pub fn version() -> String {
    env!("CARGO_PKG_VERSION").to_owned()
}

/// Checks and compiles a document, YAML or JSON.
#[must_use]
#[wasm_bindgen]
pub fn compile(text: &str) -> Compiled {
    let documents::Compiled { snapshot, diagnostics, report } = documents::compile(text);
    Compiled { snapshot, diagnostics, report }
}

/// Decides a flag for a context, which is flat JSON text, and explains how: `{"explanation": …, "text": …}`.
///
/// # Errors
/// An `Error` with the `code` that the contract gives it.
#[wasm_bindgen]
pub fn explain(snapshot: &[u8], trips: &[u8], flag: &str, context: &str, now: f64) -> Result<String, Error> {
    documents::explain(snapshot, trips, flag, context, now).map_err(|error| {
        let thrown = Error::new(&error.to_string());
        // A fresh error can be extended.
        let _ = Reflect::set(&thrown, &JsString::from("code"), &JsString::from(error.code()));
        thrown
    })
}

/// The JSON Schema of documents, as JSON text.
#[must_use]
#[wasm_bindgen]
pub fn schema() -> String {
    documents::schema()
}
