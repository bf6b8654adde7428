//! A context as the bytes that bindings pass: see `Entries` of the core.

use flcm_flags::{AttributeValue, Snapshot};

/// The ids of the cohorts that a host names, and of an item of a list.
const COHORTS: u32 = u32::MAX;
const ITEM: u32 = u32::MAX - 1;

/// Targeting key and attributes as bytes. An attribute that the snapshot does not read is left out.
pub(crate) fn bytes<B: AsRef<[u8]>>(
    snapshot: &Snapshot<B>,
    key: Option<&str>,
    attributes: &[(&str, AttributeValue<'_>)],
) -> Vec<u8> {
    let mut entries = vec![(0, key.map(AttributeValue::Text))];
    for (name, value) in attributes {
        let id = snapshot.find(name.as_bytes(), true);
        let cohorts = (*name == "cohorts" && matches!(value, AttributeValue::List(_))).then_some(COHORTS);
        for id in id.into_iter().chain(cohorts) {
            entries.push((id, Some(*value)));
            if let AttributeValue::List(items) = value {
                entries.extend(items.iter().map(|item| (ITEM, Some(AttributeValue::Text(item)))));
            }
        }
    }
    entries[0].0 = length(entries.len() - 1);
    let mut texts = Vec::new();
    let mut bytes = Vec::new();
    for (id, value) in &entries {
        let (kind, [low, high]) = written(*value, length(16 * entries.len() + texts.len()));
        if let Some(AttributeValue::Text(text)) = value {
            texts.extend_from_slice(text.as_bytes());
        }
        bytes.extend([*id, kind, low, high].iter().flat_map(|number| number.to_le_bytes()));
    }
    bytes.extend(texts);
    bytes
}

/// Kind and payload of a value, whose text lies at an offset.
fn written(value: Option<AttributeValue<'_>>, offset: u32) -> (u32, [u32; 2]) {
    match value {
        None => (0, [0, 0]),
        Some(AttributeValue::Bool(value)) => (if value { 2 } else { 1 }, [0, 0]),
        Some(AttributeValue::Number(number)) => {
            let bits = number.to_bits();
            (3, [bits, bits >> 32].map(|half| u32::try_from(half & u64::from(u32::MAX)).expect("32 bits")))
        }
        Some(AttributeValue::Text(text)) => (4, [offset, length(text.len())]),
        Some(AttributeValue::List(items)) => (5, [length(items.len()), 0]),
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a short context")
}
