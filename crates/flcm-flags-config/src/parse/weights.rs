//! Weights that were written as fractions.

use crate::diagnostics::Edit;
use crate::limits;
use crate::parse::source::{Node, NodeValue};

/// Makes the weights of a list integers if some are fractions: the power of ten to multiply all of them by, and the
/// edits that do. `None` if all are integers, or if that would make one too large.
pub(super) fn as_integers(list: &Node<'_>) -> Option<(f64, Vec<Edit>)> {
    let NodeValue::List(items) = &list.value else { return None };
    let weights: Vec<(&Node<'_>, f64)> = items.iter().map(weight).collect::<Option<_>>()?;
    let is_whole = |factor: f64| weights.iter().all(|(_, weight)| near_whole(weight * factor));
    let factor = [1.0, 10.0, 100.0, 1_000.0, 10_000.0].into_iter().find(|factor| is_whole(*factor))?;
    let largest = weights.iter().map(|(_, weight)| weight * factor).fold(0.0, f64::max);
    let edit = |(node, weight): &(&Node<'_>, f64)| Edit::replace(node.span, (weight * factor).round().to_string());
    (factor > 1.0 && largest <= f64::from(limits::WEIGHT)).then(|| (factor, weights.iter().map(edit).collect()))
}

/// The weight of an item, if it is a number from 0 on.
fn weight<'n>(item: &'n Node<'n>) -> Option<(&'n Node<'n>, f64)> {
    let NodeValue::Map(entries) = &item.value else { return None };
    let (_, node) = entries.iter().find(|(key, _)| key.text == "weight")?;
    match node.value {
        NodeValue::Number(weight) if weight.is_finite() && weight >= 0.0 => Some((node, weight)),
        _ => None,
    }
}

/// A product of a short decimal and a power of ten may miss the integer by a rounding.
fn near_whole(product: f64) -> bool {
    (product - product.round()).abs() <= product * 1e-12
}
