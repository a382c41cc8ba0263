//! Results on the screen and in `docs/PERFORMANCE.md`.

use super::machine;
use super::run::Outcome;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

const BEGIN: &str = "<!-- results: written by `cargo bench --bench budgets -- --write` -->";
const END: &str = "<!-- end of results -->";

/// One measured budget.
#[derive(Debug)]
pub(super) struct Line {
    /// Row of the budgets.
    pub(super) row: u32,
    /// Which of several figures of the row; 0 if there is one.
    pub(super) part: u32,
    /// What was measured.
    pub(super) what: String,
    /// The budget; empty where a figure has none of its own.
    pub(super) goal: String,
    /// The figure.
    pub(super) figure: String,
    /// The machine's limit measured in the same run.
    pub(super) raw: String,
    /// Whether the budget is met; `None` without a budget.
    pub(super) met: Option<bool>,
    /// What the figure is made of, and why it is missed if it is.
    pub(super) why: String,
}

/// Lines as they come.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// Prints a line and keeps it.
    pub(super) fn add(&mut self, line: Line) -> Outcome<()> {
        let verdict = match line.met {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "-",
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{:>3}  {}", line.row, line.what)?;
        writeln!(out, "     {}   (budget: {}; machine: {})   {verdict}", line.figure, line.goal, line.raw)?;
        if !line.why.is_empty() {
            writeln!(out, "     {}", line.why)?;
        }
        out.flush()?;
        self.lines.push(line);
        Ok(())
    }

    /// Writes the lines into the document: lines of rows that were not measured now stay as they were.
    pub(super) fn write(&self, document: &Path) -> Outcome<()> {
        let text = fs::read_to_string(document)?;
        let (head, rest) = text.split_once(BEGIN).ok_or("the document has no place for results")?;
        let (old, tail) = rest.split_once(END).ok_or("the place for results has no end")?;
        let measured: Vec<u32> = self.lines.iter().map(|line| line.row).collect();
        let mut rows: BTreeMap<(u32, u32), String> = BTreeMap::new();
        for (part, line) in (0..).zip(old.lines().filter(|line| line.starts_with("| "))) {
            let number = line.trim_start_matches("| ").split(' ').next().and_then(|number| number.parse().ok());
            if let Some(number) = number.filter(|number| !measured.contains(number)) {
                rows.insert((number, part), line.to_owned());
            }
        }
        let when = format!("{}, `{}`", today(), machine::commit());
        for line in &self.lines {
            let met = match line.met {
                Some(true) => "met",
                Some(false) => "**missed**",
                None => "",
            };
            let cells: [&str; 7] = [&line.what, &line.goal, &line.figure, &line.raw, met, &line.why, &when];
            rows.insert((line.row, line.part), format!("| {} | {} |", line.row, cells.join(" | ")));
        }
        let mut table = format!("\n\nMachine of the newest lines: {}.\n\n", machine::describe());
        table.push_str("| # | What | Budget | Measured | The machine in the same run | | Made of | When |\n");
        table.push_str("|---|---|---|---|---|---|---|---|\n");
        for row in rows.values() {
            table.push_str(row);
            table.push('\n');
        }
        fs::write(document, format!("{head}{BEGIN}{table}\n{END}{tail}"))?;
        Ok(())
    }
}

fn today() -> String {
    warnlight::domain::time::day_of(warnlight::domain::time::Instant::now()).to_string()
}
