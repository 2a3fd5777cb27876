//! Hundreds of functions in a few lines.

use crate::plan::Step;

/// More than that are counted instead of listed.
pub(super) const MANY: usize = 20;

/// A phase of many steps has a line for each of this number.
const EACH: usize = 50;

/// The steps of a phase that are done.
#[derive(Debug, Default)]
pub(super) struct Tally {
    done: usize,
    all: usize,
}

/// What is shown of a step that is done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// A line of its own.
    Itself,
    /// How many are done, of how many.
    Count(usize, usize),
    /// Nothing: the next count includes it.
    Nothing,
}

impl Tally {
    /// Of a phase that begins.
    pub(super) fn of(phase: &[Step]) -> Self {
        Self { done: 0, all: phase.iter().filter(|step| is_of_a_function(step)).count() }
    }

    /// One more step is done.
    pub(super) fn done(&mut self, step: &Step) -> Shown {
        if self.all <= MANY || !is_of_a_function(step) {
            return Shown::Itself;
        }
        self.done += 1;
        match self.done == self.all || self.done.is_multiple_of(EACH) {
            true => Shown::Count(self.done, self.all),
            false => Shown::Nothing,
        }
    }
}

fn is_of_a_function(step: &Step) -> bool {
    matches!(step, Step::Prepare(_) | Step::ShiftAlias(..) | Step::MoveAlias(_))
}

/// A list; only the beginning of a long one.
pub(super) fn few(names: &[impl AsRef<str>], separator: &str) -> String {
    let listed = |names: &[_]| names.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join(separator);
    match names.len() {
        0..=MANY => listed(names),
        all => format!("{}{separator}and {} more", listed(&names[..MANY / 2]), all - MANY / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_ends_with_the_number_of_the_others() {
        let names: Vec<String> = (1..=21).map(|name| name.to_string()).collect();
        assert_eq!(few(&names[..3], ", "), "1, 2, 3");
        assert_eq!(few(&names, ", "), "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, and 11 more");
    }

    #[test]
    fn a_phase_of_many_functions_is_counted() {
        let step = |key: usize| Step::MoveAlias(key.to_string());
        let phase = |count| (0..count).map(step).collect::<Vec<_>>();
        let shown = |count| {
            let mut tally = Tally::of(&phase(count));
            phase(count)
                .iter()
                .map(|step| tally.done(step))
                .filter(|shown| *shown != Shown::Nothing)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(20).len(), 20);
        assert_eq!(shown(120), [Shown::Count(50, 120), Shown::Count(100, 120), Shown::Count(120, 120)]);
        assert_eq!(Tally::of(&phase(120)).done(&Step::CreateDeployment), Shown::Itself);
    }
}
