//! Promises as figures: each trial tries one in many cases, and leaves how often it was broken.

pub(crate) mod privileges;
