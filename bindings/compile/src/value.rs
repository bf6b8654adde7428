//! Values and errors, as JavaScript has them.

use flcm_flags_ffi::documents::{DocumentError, json};
use js_sys::{Error, JSON, JsString, Reflect};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::prelude::*;

/// An object with the members that JSON would have. No number in it is beyond 2^53.
pub(crate) fn value(of: &impl Serialize) -> JsValue {
    of.serialize(&Serializer::json_compatible()).unwrap_or(JsValue::NULL)
}

/// Like [`value`], for what has values of a document in it: a member `__proto__` must not become the prototype, so that
/// JSON text is the way. One way for each type keeps the module small.
pub(crate) fn document_value(of: &impl Serialize) -> JsValue {
    JSON::parse(&json(of)).unwrap_or(JsValue::NULL)
}

/// An `Error` with the code that the contract gives it.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(crate) fn thrown(error: DocumentError) -> JsValue {
    let thrown = Error::new(&error.to_string());
    // A fresh error can be extended.
    let _ = Reflect::set(&thrown, &JsString::from("code"), &JsString::from(error.code()));
    thrown.into()
}
