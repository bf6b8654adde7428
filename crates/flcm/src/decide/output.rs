//! Decisions as lines. A flag has few different outcomes, so the part of a line that follows from the outcome is
//! written once and copied from then on.

use std::borrow::Cow;

use anstyle::Style;
use flcm_flags::{BoundContext, Decision, FlagId, Millis, PackedDecision, Snapshot, Trips, evaluate};
use flcm_flags_config::Explanation;
use flcm_flags_config::explanation::words;

use super::Picked;
use crate::style::{BAD, DIM, GOOD, NAME, NOTE, pad, shown};

/// How decisions are written.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// One JSON object per line.
    Json,
    /// Not at all: they are only counted.
    Silent,
    /// Columns for a person, with a first one for the user where there are several.
    Text { coloured: bool, users: bool },
}

/// One flag and what has been decided of it so far.
pub(super) struct Row {
    pub(super) key: String,
    id: Option<FlagId>,
    form: Form,
    /// Widths of the columns of flags and variants.
    widths: (usize, usize),
    /// What stands ahead of the user.
    head: Vec<u8>,
    pub(super) kinds: Vec<Kind>,
}

/// One outcome of a flag.
pub(super) struct Kind {
    pub(super) outcome: PackedDecision,
    /// What stands behind the user.
    tail: Vec<u8>,
    pub(super) count: u64,
}

/// The rows of the flags that were picked.
pub(super) fn rows(snapshot: &Snapshot<Vec<u8>>, picked: Vec<Picked>, form: Form) -> Vec<Row> {
    let width = |text: &str| shown(text).chars().count();
    let flags = picked.iter().filter_map(|picked| snapshot.describe(picked.id?));
    let variants = flags.flat_map(|flag| flag.variants()).map(|variant| width(variant.name()));
    let widths = (picked.iter().map(|picked| width(&picked.key)).max().unwrap_or(0), variants.max().unwrap_or(0));
    let row = |Picked { key, id }| {
        let head = match form {
            Form::Json => format!("{{\"flag\":{},\"user\":", json(&key)).into_bytes(),
            Form::Silent | Form::Text { .. } => Vec::new(),
        };
        Row { key, id, form, widths, head, kinds: Vec::new() }
    };
    picked.into_iter().map(row).collect()
}

fn json(text: &str) -> String {
    let mut out = String::new();
    flcm_flags_config::json::write_string(&mut out, text);
    out
}

fn json_or_null(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), json)
}

/// A targeting key, escaped for JSON once per context.
pub(super) struct User<'c> {
    key: Option<&'c str>,
    json: Option<Cow<'c, str>>,
}

impl<'c> User<'c> {
    pub(super) fn new(key: Option<&'c str>) -> Self {
        let is_plain = |key: &str| key.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
        // Quotes are added by the writer where nothing has to be escaped.
        let json = key.filter(|key| !is_plain(key)).map(|key| Cow::Owned(json(key)));
        Self { key, json }
    }

    fn write_json(&self, out: &mut Vec<u8>) {
        match (&self.json, self.key) {
            (Some(json), _) => out.extend_from_slice(json.as_bytes()),
            (None, Some(key)) => {
                out.push(b'"');
                out.extend_from_slice(key.as_bytes());
                out.push(b'"');
            }
            (None, None) => out.extend_from_slice(b"null"),
        }
    }

    fn write_text(&self, out: &mut Vec<u8>) {
        const WIDTH: usize = 16;
        let name = self.key.map_or_else(|| "–".to_owned(), shown);
        out.extend_from_slice(pad(&name, WIDTH).as_bytes());
        out.extend_from_slice(b"  ");
    }
}

impl Row {
    pub(super) fn id(&self) -> Option<FlagId> {
        self.id
    }

    pub(super) fn ask(&self, snapshot: &Snapshot<Vec<u8>>, context: &BoundContext<'_>, now: Millis) -> PackedDecision {
        let decision = self.id.map(|id| evaluate(snapshot, &Trips::NONE, id, context, now));
        decision.unwrap_or_else(Decision::flag_not_found).packed()
    }

    /// Counts an outcome and writes its line.
    #[inline]
    pub(super) fn write(
        &mut self,
        snapshot: &Snapshot<Vec<u8>>,
        outcome: PackedDecision,
        user: &User<'_>,
        out: &mut Vec<u8>,
    ) {
        let index = self.kinds.iter().position(|kind| kind.outcome == outcome);
        let index = index.unwrap_or_else(|| self.learn(snapshot, outcome));
        self.kinds[index].count += 1;
        match self.form {
            Form::Json => {
                out.extend_from_slice(&self.head);
                user.write_json(out);
            }
            Form::Silent => return,
            Form::Text { users: true, .. } => user.write_text(out),
            Form::Text { users: false, .. } => {}
        }
        out.extend_from_slice(&self.kinds[index].tail);
        // The outcomes that most users get move to the front.
        if index > 0 && self.kinds[index].count > self.kinds[index - 1].count {
            self.kinds.swap(index, index - 1);
        }
    }

    fn learn(&mut self, snapshot: &Snapshot<Vec<u8>>, outcome: PackedDecision) -> usize {
        let decision = self.decision(snapshot, outcome);
        let tail = match self.form {
            Form::Json => json_tail(decision),
            Form::Silent => String::new(),
            Form::Text { coloured, .. } => self.text_tail(decision, coloured),
        };
        self.kinds.push(Kind { outcome, tail: tail.into_bytes(), count: 0 });
        self.kinds.len() - 1
    }

    /// Gives an outcome its words back.
    pub(super) fn decision<'s>(&self, snapshot: &'s Snapshot<Vec<u8>>, outcome: PackedDecision) -> Decision<'s> {
        self.id.map_or_else(Decision::flag_not_found, |id| Decision::new(snapshot, id, outcome))
    }

    fn text_tail(&self, decision: Decision<'_>, coloured: bool) -> String {
        let (state, style) = match (decision.reason().error_code(), decision.enabled()) {
            (Some(_), _) => ("error", BAD),
            (None, true) => ("on", GOOD),
            (None, false) => ("off", BAD),
        };
        let paint =
            |style: Style, text: &str| if coloured { format!("{style}{text}{style:#}") } else { text.to_owned() };
        let code = decision.reason().error_code().map_or_else(String::new, |code| format!(" {code}"));
        let mut columns = vec![paint(NAME, &pad(&shown(&self.key), self.widths.0)), paint(style, &pad(state, 5))];
        if self.widths.1 > 0 {
            columns.push(pad(&decision.variant().map_or_else(String::new, shown), self.widths.1));
        }
        columns.push(paint(DIM, &format!("{}{code}", decision.reason())));
        columns.extend(decision.rule().map(|rule| format!("rule {}", shown(rule))));
        match decision.value().map(words::json_of_value) {
            None | Some(serde_json::Value::Bool(_)) => {}
            Some(value) => columns.push(shown(&value.to_string())),
        }
        format!("{}\n", columns.join("  "))
    }

    /// What `--explain` says of a flag that does not exist.
    pub(super) fn not_found(&self, user: Option<&str>, as_json: bool) -> Vec<u8> {
        let mut out = Vec::new();
        if as_json {
            out.extend_from_slice(format!("{{\"flag\":{},\"user\":", json(&self.key)).as_bytes());
            User::new(user).write_json(&mut out);
            let tail = json_tail(Decision::flag_not_found());
            out.extend_from_slice(tail.trim_end_matches("}\n").as_bytes());
            out.extend_from_slice(b",\"checks\":[]}\n");
        } else {
            out.extend_from_slice(format!("{} → error FLAG_NOT_FOUND\n", shown(&self.key)).as_bytes());
        }
        out
    }
}

fn json_tail(decision: Decision<'_>) -> String {
    let value = decision.value().map_or_else(|| "null".to_owned(), |value| words::json_of_value(value).to_string());
    format!(
        ",\"enabled\":{},\"value\":{value},\"variant\":{},\"reason\":\"{}\",\"errorCode\":{},\"rule\":{},\"arm\":\"{}\"}}\n",
        decision.enabled(),
        json_or_null(decision.variant()),
        decision.reason(),
        json_or_null(decision.reason().error_code().map(flcm_flags::ErrorCode::as_str)),
        json_or_null(decision.rule()),
        decision.arm(),
    )
}

/// The tree of one decision, in colour where there is one; with the user where there are several.
pub(super) fn write_explanation(explanation: &Explanation, with_user: bool, out: &mut Vec<u8>) {
    let coloured = crate::style::is_coloured();
    for (index, line) in explanation.lines().into_iter().enumerate() {
        let mut text = line.text;
        if index == 0 && with_user {
            let user = explanation.user.as_deref().map_or_else(|| "–".to_owned(), shown);
            text = format!("{user}: {text}");
        }
        let painted = if coloured { paint(&line.branch, &text, line.held, index == 0) } else { line.branch + &text };
        out.extend_from_slice(painted.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// Colours the branches, the answer, and in the first line what was decided.
fn paint(branch: &str, text: &str, held: Option<bool>, is_title: bool) -> String {
    let style = match held {
        Some(true) => GOOD,
        Some(false) => BAD,
        None if is_title => NOTE,
        None => DIM,
    };
    let (before, answer, after) = if is_title {
        let (before, after) = text.split_once(" → ").unwrap_or(("", text));
        return format!("{NAME}{before}{NAME:#} → {style}{after}{style:#}");
    } else {
        match held {
            Some(true) => split(text, ": yes"),
            Some(false) => split(text, ": no"),
            None => ("", text, ""),
        }
    };
    format!("{DIM}{branch}{DIM:#}{before}{style}{answer}{style:#}{after}")
}

/// The text around an answer.
fn split<'t>(text: &'t str, answer: &str) -> (&'t str, &'t str, &'t str) {
    let start = text.find(answer).map_or(0, |start| start + 2);
    let end = text.find(answer).map_or(0, |start| start + answer.len());
    (&text[..start], &text[start..end], &text[end..])
}
