//! Row 8: resident memory, measured in a process of its own.

use super::args::Args;
use super::report::{Line, Report};
use super::run::{Outcome, megabytes, number};
use super::{crowd, grading, machine, raw};
use std::io::Write;
use std::process::Command;
use warnlight::domain::envelope::Position;
use warnlight::domain::event::{Event, LightCause};
use warnlight::domain::fold::Stamp;
use warnlight::lights::change::change;
use warnlight::lights::moment::Moment;

/// Builds a state of so many merchants with their lights, and tells its size.
pub(super) fn child(merchants: u64) -> Outcome<()> {
    let empty = machine::resident();
    let mut state = grading::district(merchants)?;
    let now = crowd::after()?;
    let policies = state.policies.clone();
    let moment = Moment::new(&policies, now, Position::MAX);
    for index in 0..u32::try_from(state.world.merchants().len())? {
        let Some(merchant) = state.world.at(index) else { break };
        let subject = moment.subject(&state.world, merchant);
        let Some(change) = change(&subject, state.lights.get(merchant.code)) else { continue };
        let reasons = change.reasons.iter().map(|draft| draft.clone().with_events(Vec::new())).collect();
        let (id, changed, _) = change.append(&subject, LightCause::Policy, false, reasons, now);
        let stamp = Stamp { position: state.position + 1, recorded_at: now, history: true };
        state.apply(stamp, id, &Event::LightChanged(changed), "");
    }
    let full = machine::resident();
    writeln!(std::io::stdout(), "{} {empty} {full}", state.position)?;
    Ok(())
}

/// Row 8, with its curve.
pub(super) fn resident(args: &Args, report: &mut Report) -> Outcome<()> {
    let sizes: &[u64] = args.of_size(&[10_000, 100_000], &[10_000, 100_000, 1_000_000]);
    for (part, merchants) in (0..).zip(sizes) {
        let told = Command::new(std::env::current_exe()?).args(["--child", &merchants.to_string()]).output()?;
        let told = String::from_utf8(told.stdout)?;
        let numbers: Vec<f64> = told.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let [events, empty, full] = numbers.as_slice() else { return Err("the child said nothing".into()) };
        let whole = *merchants == 1_000_000;
        report.add(Line {
            row: 8,
            part,
            what: format!("resident memory, {} merchants, {} events", number(*merchants as f64), number(*events)),
            goal: if whole { "≤ 1.2 GB with 20,000,000 events" } else { "" }.to_owned(),
            figure: megabytes(*full),
            raw: format!("copy in memory {}/s", megabytes(raw::copy())),
            met: whole.then_some(*full <= 1.2e9),
            why: format!(
                "{} bytes per merchant, {} per event; {} before the first",
                number((full - empty) / *merchants as f64),
                number((full - empty) / events),
                megabytes(*empty)
            ),
        })?;
    }
    Ok(())
}
