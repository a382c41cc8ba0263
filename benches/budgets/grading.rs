//! Row 6: grading from facts in memory.

use super::crowd;
use super::report::{Line, Report};
use super::run::{Outcome, median, megabytes, number};
use std::sync::Arc;
use std::time::Instant as Clock;
use warnlight::domain::envelope::Position;
use warnlight::domain::fold::Stamp;
use warnlight::lights::facts::of_merchant;
use warnlight::lights::grade::{grade, grade_facts};
use warnlight::lights::moment::Moment;
use warnlight::log::memory::MemoryLog;
use warnlight::picture::{Picture, SeenEvent};
use warnlight::policy::Policies;

/// Folds a district into a state, without a log.
pub(super) fn district(merchants: u64) -> Outcome<Picture> {
    let mut state = Picture::new(Arc::new(Policies::built_in()?));
    let actor = Arc::from("bench");
    let mut position: Position = 0;
    let log = MemoryLog::new();
    crowd::each(&crowd::plan(merchants)?, |written| {
        for (_, event) in &written.events {
            position += 1;
            let stamp = Stamp { position, recorded_at: written.at, history: true };
            state.fold(&SeenEvent { stamp, id: uuid::Uuid::nil(), causation: None, actor: &actor, event }, &log)?;
        }
        Ok(())
    })?;
    Ok(state)
}

/// Row 6.
pub(super) fn facts_in_memory(report: &mut Report) -> Outcome<()> {
    let state = district(20_000)?;
    let moment = Moment::new(&state.policies, crowd::after()?, Position::MAX);
    let merchants = state.world.merchants();
    let tables: Vec<_> =
        merchants.iter().map(|merchant| of_merchant(&moment.subject(&state.world, merchant))).collect();
    let pack = &state.policies.pack;
    let per_second = |count: usize, job: &dyn Fn()| {
        let runs = (0..7).map(|_| {
            let begun = Clock::now();
            job();
            count as f64 / begun.elapsed().as_secs_f64()
        });
        median(runs.collect())
    };
    let rate = per_second(tables.len(), &|| {
        for table in &tables {
            std::hint::black_box(grade_facts(pack, table));
        }
    });
    let whole = per_second(merchants.len(), &|| {
        for merchant in merchants.iter() {
            std::hint::black_box(grade(&moment.subject(&state.world, merchant)));
        }
    });
    let bytes = size_of_val(tables.as_slice()) as f64 / tables.len() as f64;
    report.add(Line {
        row: 6,
        part: 0,
        what: format!("grading from facts in memory, {} rules", pack.rules.len()),
        goal: "≥ 2,000,000 merchants/s per core".to_owned(),
        figure: format!("{} merchants/s", number(rate)),
        raw: format!("copy {}/s = {} tables/s", megabytes(super::raw::copy()), number(super::raw::copy() / bytes)),
        met: Some(rate >= 2e6),
        why: format!("with the facts computed from evidence too: {} merchants/s", number(whole)),
    })
}
