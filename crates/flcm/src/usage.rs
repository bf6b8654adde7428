//! What was probably meant by a wrong call.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// The error with what to write instead, if that is known.
pub(crate) fn explained(mut error: clap::Error) -> clap::Error {
    let tip = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(argument))) if !argument.starts_with('-') => {
            tip(argument)
        }
        _ => None,
    };
    if let Some(tip) = tip {
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}

/// What to do with an argument that the command of this call does not take.
fn tip(argument: &str) -> Option<String> {
    let command = std::env::args().nth(1)?;
    Some(match command.as_str() {
        "compile" => format!("write the snapshot to a file with `-o {argument}`"),
        "decide" => format!("to decide one flag, write `--flag {argument}`; an attribute is `--attr NAME=VALUE`"),
        "diff" => "`flcm diff` compares two versions, so it takes two files".to_owned(),
        "simulate" => format!("name the flag with `--flag {argument}`"),
        _ => return None,
    })
}

/// A date, or a date and a time with a space between them, as RFC 3339 in UTC.
pub(crate) fn time(text: &str) -> Option<String> {
    let (date, clock) = text.split_once(' ').unwrap_or((text, "00:00:00"));
    let time = format!("{date}T{clock}Z");
    flcm_flags::time::parse_rfc3339(&time).is_some().then_some(time)
}
