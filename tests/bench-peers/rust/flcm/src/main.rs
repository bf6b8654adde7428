//! This project: its core alone, and the client that applications use.

mod client;
mod direct;
mod open_feature;

use bench_common::{args, run};
use flcm_flags_client::Options;

use client::{Asking, ForUser};
use direct::{BindingEach, Core, Counting};
use open_feature::Provided;

const VERSION: &str = "0.1.0";

fn main() {
    let name = args().peer;
    match name.as_str() {
        "flcm-flags-client" => run(VERSION, |bytes, _| ForUser::new(Options::document(text(bytes)))),
        "flcm-flags-client (is_enabled)" => run(VERSION, |bytes, _| Asking::new(Options::document(text(bytes)))),
        "flcm-flags-client (snapshot)" => {
            run(VERSION, |bytes, _| ForUser::new(Options { snapshot: Some(bytes), ..Options::default() }));
        }
        "open-feature (rust) + flcm" => run(VERSION, |bytes, _| Provided::new(Options::document(text(bytes)))),
        "flcm-flags" => run(VERSION, |bytes, _| Core::new(compiled(bytes))),
        "flcm-flags (snapshot)" => run(VERSION, |bytes, _| Core::new(bytes)),
        "flcm-flags (bind + evaluate)" => run(VERSION, |bytes, _| BindingEach(Core::new(compiled(bytes)))),
        "flcm-flags (+metrics)" => run(VERSION, |bytes, _| Counting::new(Core::new(compiled(bytes)))),
        _ => panic!("there is no peer `{name}`"),
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("text")
}

/// The snapshot of a document.
fn compiled(bytes: Vec<u8>) -> Vec<u8> {
    let text = text(bytes);
    let (config, diagnostics) = flcm_flags_config::check(&text);
    flcm_flags_config::compile(&config.unwrap_or_else(|| panic!("{}", diagnostics.render("flags", &text, false))))
}
