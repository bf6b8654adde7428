//! The document compiler as WebAssembly: what `bindings/binding.d.ts` calls `AuthoringBinding`. Each function converts
//! its arguments and makes one call of `flcm_flags_ffi::documents`.
//!
//! It is a module of its own, so that the one that decides stays small. Explanations are in it as well, and what tools
//! ask that edit documents: comparing drafts, simulating rollbacks. What has a structure goes out as an object, whose
//! type is in `bindings/documents.d.ts`; what comes in is text.

use flcm_flags_ffi::documents;
use wasm_bindgen::prelude::*;

mod value;

use value::{document_value, thrown, value};

/// Smaller than the allocator that Rust brings for WebAssembly.
#[cfg(target_arch = "wasm32")]
#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = "\
import type { Cohort, CohortOutline, Counted, Diagnostic, Difference, EditAnswer, Explained, Outline, Simulation } from '../../../bindings/contract.d.ts';
";

/// What became of a document.
#[derive(Debug)]
#[wasm_bindgen(js_name = CompiledDocument)]
pub struct Compiled(documents::Compiled);

#[wasm_bindgen(js_class = CompiledDocument)]
impl Compiled {
    /// The snapshot; `undefined` when there were errors.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        self.0.snapshot.clone()
    }

    /// All problems.
    #[must_use]
    #[wasm_bindgen(getter, unchecked_return_type = "Diagnostic[]")]
    pub fn diagnostics(&self) -> JsValue {
        value(&self.0.diagnostics)
    }

    /// All problems as text for people.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn report(&self) -> String {
        self.0.report.clone()
    }
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
    Compiled(documents::compile(text))
}

/// Decides a flag for a context, which is flat JSON text, and explains how.
///
/// # Errors
/// An `Error` with the `code` that the contract gives it.
#[wasm_bindgen(unchecked_return_type = "Explained")]
pub fn explain(snapshot: &[u8], trips: &[u8], flag: &str, context: &str, now: f64) -> Result<JsValue, JsValue> {
    let explained = documents::explain(snapshot, trips, flag, context, now);
    explained.map(|explained| document_value(&explained)).map_err(thrown)
}

/// The JSON Schema of documents, as JSON text.
#[must_use]
#[wasm_bindgen]
pub fn schema() -> String {
    documents::schema()
}

/// The bytes of trips, from a JSON object of states by flag.
///
/// # Errors
/// An `Error` with the `code` that the contract gives it.
#[wasm_bindgen]
pub fn trips(snapshot: &[u8], states: &str) -> Result<Vec<u8>, JsValue> {
    documents::trips(snapshot, states).map_err(thrown)
}

/// Edits a document's text; `edits` is JSON text.
///
/// # Errors
/// An `Error` with the `code` that the contract gives it.
#[wasm_bindgen(unchecked_return_type = "EditAnswer")]
pub fn edit(text: &str, edits: &str) -> Result<JsValue, JsValue> {
    documents::edit(text, edits).map(|answer| value(&answer)).map_err(thrown)
}

/// Describes the cohorts; `null` when the document has errors.
#[must_use]
#[wasm_bindgen(unchecked_return_type = "Cohort[] | null")]
pub fn cohorts(text: &str) -> JsValue {
    value(&documents::cohorts(text))
}

/// Describes a flag, value by value; `null` when it is not there.
#[must_use]
#[wasm_bindgen(unchecked_return_type = "Outline | null")]
pub fn outline(text: &str, flag: &str) -> JsValue {
    document_value(&documents::outline(text, flag))
}

/// Describes a cohort, value by value; `null` when it is not there.
#[must_use]
#[wasm_bindgen(js_name = cohortOutline, unchecked_return_type = "CohortOutline | null")]
pub fn cohort_outline(text: &str, cohort: &str) -> JsValue {
    document_value(&documents::cohort_outline(text, cohort))
}

/// Drafts of a document, compared with it.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Workbench(documents::Workbench);

#[wasm_bindgen]
impl Workbench {
    /// Compiles the document that drafts are based on.
    ///
    /// # Errors
    /// An `Error` with the `code` that the contract gives it.
    #[wasm_bindgen(constructor)]
    pub fn new(base: &str) -> Result<Self, JsValue> {
        documents::workbench(base).map(Self).map_err(thrown)
    }

    /// Takes a draft, and returns all its problems.
    #[wasm_bindgen(unchecked_return_type = "Diagnostic[]")]
    pub fn draft(&mut self, text: &str) -> JsValue {
        value(&self.0.draft(text))
    }

    /// The draft's snapshot; `undefined` when it has errors.
    #[must_use]
    #[wasm_bindgen(getter)]
    pub fn snapshot(&self) -> Option<Vec<u8>> {
        self.0.snapshot().map(<[u8]>::to_vec)
    }

    /// Compares the draft with its base; `null` when it has errors.
    ///
    /// # Errors
    /// An `Error` with the `code` that the contract gives it.
    #[wasm_bindgen(unchecked_return_type = "Difference | null")]
    pub fn diff(&mut self, now: f64) -> Result<JsValue, JsValue> {
        documents::diff(&mut self.0, now).map(|difference| value(&difference)).map_err(thrown)
    }

    /// Counts further whole lines of a file of contexts; `null` before `diff`.
    #[wasm_bindgen(unchecked_return_type = "Counted | null")]
    pub fn count(&mut self, lines: &str) -> JsValue {
        value(&self.0.count(lines))
    }
}

/// A simulation that goes on for as long as somebody wants to know more.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Simulator(documents::Simulator);

#[wasm_bindgen]
impl Simulator {
    /// Prepares the simulation of a scenario, which is JSON text.
    ///
    /// # Errors
    /// An `Error` with the `code` that the contract gives it.
    #[wasm_bindgen(constructor)]
    pub fn new(snapshot: &[u8], scenario: &str, now: f64) -> Result<Self, JsValue> {
        documents::simulator(snapshot, scenario, now).map(Self).map_err(thrown)
    }

    /// Makes further runs and healthy days; the results are those of all so far.
    #[wasm_bindgen(unchecked_return_type = "Simulation")]
    pub fn advance(&mut self, runs: u32, days: Option<u32>) -> JsValue {
        value(&self.0.advance(runs.into(), days.map(u64::from)))
    }
}
