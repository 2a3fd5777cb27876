//! The steps of a release on a line of time, as a Mermaid Gantt chart, which GitHub draws.

use std::fmt::Write as _;

use crate::ledger::StepRecord;

/// The chart; none if no step began. `ended_at` is where a step stops that began and was not done.
///
/// The times are milliseconds since the first step, which `%s.%L` shows as seconds in every time zone.
pub(super) fn chart(steps: &[StepRecord], ended_at: Option<&str>) -> Option<String> {
    let start = instant(steps.iter().find_map(|step| step.started_at.as_deref())?)?;
    let end = ended_at.and_then(instant).unwrap_or(start);
    let mut text = "gantt\n    dateFormat x\n    axisFormat %s.%L s\n    todayMarker off\n".to_owned();
    for (index, step) in steps.iter().enumerate() {
        let Some(began) = step.started_at.as_deref().and_then(instant) else { continue };
        let took = step.millis.and_then(|millis| i64::try_from(millis).ok());
        let (tag, until) = match took {
            Some(millis) => ("done", began.saturating_add(millis)),
            None => ("crit", end),
        };
        // A bar needs a width.
        let (from, until) = (began - start, until.max(began + 1).saturating_sub(start));
        let _ = writeln!(text, "    {} {} :{tag}, {from}, {until}", index + 1, label(&step.step));
    }
    Some(text)
}

fn instant(text: &str) -> Option<i64> {
    Some(text.parse::<jiff::Timestamp>().ok()?.as_millisecond())
}

/// Colons, semicolons, hashes, `%%` and line ends are grammar there: only characters that surely are not grammar are kept. The number
/// before it keeps the first word from being read as one of the chart's own.
fn label(text: &str) -> String {
    let text = text.replace('%', "percent");
    let safe = text.chars().filter(|letter| *letter != '`');
    let safe = safe.map(|letter| if letter.is_alphanumeric() || "-_./".contains(letter) { letter } else { ' ' });
    safe.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: &str, started_at: Option<&str>, millis: Option<u64>) -> StepRecord {
        StepRecord { step: step.to_owned(), started_at: started_at.map(str::to_owned), millis }
    }

    #[test]
    fn steps_are_bars_and_an_unfinished_one_is_critical() {
        let steps = [
            step("publish and check a version of `counter`", Some("2026-01-10T10:00:00.250Z"), Some(812)),
            step("give the new version of `counter` 10 % of the traffic", Some("2026-01-10T10:00:01.100Z"), Some(0)),
            step("check through the URL", Some("2026-01-10T10:00:01.2Z"), None),
            step("move the stage", None, None),
        ];
        let expected = "\
gantt
    dateFormat x
    axisFormat %s.%L s
    todayMarker off
    1 publish and check a version of counter :done, 0, 812
    2 give the new version of counter 10 percent of the traffic :done, 850, 851
    3 check through the URL :crit, 950, 4750
";
        assert_eq!(chart(&steps, Some("2026-01-10T10:00:05Z")).unwrap(), expected);
        assert_eq!(chart(&steps[3..], None), None);
    }

    #[test]
    fn no_time_breaks_the_chart() {
        let endless =
            [step("a", Some("1969-12-31T23:59:59Z"), Some(0)), step("b", Some("2026-01-10T10:00:00Z"), Some(1 << 62))];
        assert!(chart(&endless, Some("soon")).unwrap().contains("2 b :done"));
        let endless = [step("a", Some("-009000-01-01T00:00:00Z"), Some(i64::MAX as u64))];
        assert!(chart(&endless, None).unwrap().contains("1 a :done, 0, 9223372036854775807"));
    }

    #[test]
    fn no_name_breaks_the_chart() {
        let hostile = "move `a:b;c#d`\n    section x\n%%{init}%% \"e\" ```\nclick f";
        let expected = "move a b c d section x percentpercent init percentpercent e click f";
        assert_eq!(label(hostile), expected);
    }
}
