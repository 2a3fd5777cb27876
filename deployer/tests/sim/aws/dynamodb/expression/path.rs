//! The place of a value in an item: `release.versions[0].name`.

use serde_json::{Value, json};

use super::super::value::Item;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Name(String),
    Index(usize),
}

/// A path. Its first step is a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Path(pub(in super::super) Vec<Step>);

/// There is nothing there to set: a map or list is missing on the way.
pub(super) struct NoWay;

impl Path {
    /// The attribute that it begins with.
    pub(in super::super) fn top(&self) -> &str {
        match self.0.first() {
            Some(Step::Name(name)) => name,
            _ => "",
        }
    }

    pub(super) fn get<'a>(&self, item: &'a Item) -> Option<&'a Value> {
        let first = item.get(self.top())?;
        self.0.iter().skip(1).try_fold(first, |value, step| match step {
            Step::Name(name) => value.get("M")?.get(name),
            Step::Index(index) => value.get("L")?.get(index),
        })
    }

    /// Whether one leads through the other.
    pub(super) fn overlaps(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, two)| one == two)
    }

    pub(super) fn set(&self, item: &mut Item, value: Value) -> Result<(), NoWay> {
        let Some((last, parent)) = self.way(item)? else {
            item.insert(self.top().to_owned(), value);
            return Ok(());
        };
        match last {
            Step::Name(name) => {
                parent.get_mut("M").and_then(Value::as_object_mut).ok_or(NoWay)?.insert(name.clone(), value);
            }
            Step::Index(index) => {
                let list = parent.get_mut("L").and_then(Value::as_array_mut).ok_or(NoWay)?;
                // Past the end it is added at the end.
                if let Some(old) = list.get_mut(*index) { *old = value } else { list.push(value) }
            }
        }
        Ok(())
    }

    pub(super) fn remove(&self, item: &mut Item) -> Result<(), NoWay> {
        let Some((last, parent)) = self.way(item)? else {
            item.remove(self.top());
            return Ok(());
        };
        match last {
            Step::Name(name) => {
                parent.get_mut("M").and_then(Value::as_object_mut).ok_or(NoWay)?.remove(name);
            }
            Step::Index(index) => {
                let list = parent.get_mut("L").and_then(Value::as_array_mut).ok_or(NoWay)?;
                if *index < list.len() {
                    list.remove(*index);
                }
            }
        }
        Ok(())
    }

    /// The last step and what it leads out of; nothing if there is but one step.
    fn way<'a>(&self, item: &'a mut Item) -> Result<Option<(&Step, &'a mut Value)>, NoWay> {
        let [_, between @ .., last] = self.0.as_slice() else { return Ok(None) };
        let first = item.get_mut(self.top()).ok_or(NoWay)?;
        let parent = between.iter().try_fold(first, |value, step| match step {
            Step::Name(name) => value.get_mut("M")?.get_mut(name),
            Step::Index(index) => value.get_mut("L")?.get_mut(index),
        });
        parent.map(|parent| Some((last, parent))).ok_or(NoWay)
    }

    /// Copies what is there into `copy`, with the maps and lists on the way.
    pub(super) fn project(&self, item: &Item, copy: &mut Item) {
        let Some(value) = self.get(item) else { return };
        let mut steps = self.0.iter().skip(1);
        let last = steps.len() == 0;
        let first = copy.entry(self.top().to_owned()).or_insert_with(|| if last { value.clone() } else { json!({}) });
        let mut here = first;
        while let Some(step) = steps.next() {
            let leaf = if steps.len() == 0 { value.clone() } else { json!({}) };
            here = match step {
                Step::Name(name) => {
                    let map = entry(here, "M", json!({}));
                    entry(map, name, leaf)
                }
                Step::Index(_) => {
                    let Some(list) = entry(here, "L", json!([])).as_array_mut() else { return };
                    list.push(leaf);
                    let Some(last) = list.last_mut() else { return };
                    last
                }
            };
        }
    }
}

fn entry<'a>(value: &'a mut Value, name: &str, new: Value) -> &'a mut Value {
    let slot = &mut value[name];
    if slot.is_null() {
        *slot = new;
    }
    slot
}
