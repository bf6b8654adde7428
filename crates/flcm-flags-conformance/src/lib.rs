//! Proves that every implementation decides alike.
