//! QR codes as drawings: dark squares on white, whatever the page's colours are.

use fast_qr::ECL;
use fast_qr::qr::QRBuilder;
use minijinja::Value;
use std::fmt::Write as _;

/// White around the code, in squares: the standard asks for four.
const MARGIN: usize = 4;

/// Returns the code of a text as an SVG with a name for those who do not see it; nothing if the text is too long for one.
pub(super) fn svg(text: &str, name: &str) -> Option<Value> {
    // A quarter may be dirty or torn: it hangs at a door.
    let code = QRBuilder::new(text).ecl(ECL::Q).build().ok()?;
    let mut path = String::new();
    for row in 0..code.size {
        let mut column = 0;
        // Squares side by side are drawn as one.
        for run in code[row].chunk_by(|one, next| one.value() == next.value()) {
            if run.first().is_some_and(|square| square.value()) {
                let _ = write!(path, "M{} {}h{}v1h-{}z", column + MARGIN, row + MARGIN, run.len(), run.len());
            }
            column += run.len();
        }
    }
    let (side, name) = (code.size + 2 * MARGIN, super::filters::escaped(name));
    Some(Value::from_safe_string(format!(
        r##"<svg class="qr" viewBox="0 0 {side} {side}" role="img" aria-label="{name}" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{side}v{side}H0z"/><path fill="#000" d="{path}"/></svg>"##
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Draws the squares of a path into lines of text.
    fn squares(svg: &str) -> Vec<String> {
        let side: usize = svg.split("viewBox=\"0 0 ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        let mut lines = vec![vec![' '; side]; side];
        let path = svg.rsplit(" d=\"").next().unwrap().split('"').next().unwrap();
        for run in path.split('M').skip(1) {
            let numbers: Vec<usize> = run.split(['h', ' ', 'v']).take(3).map(|it| it.parse().unwrap()).collect();
            lines[numbers[1]][numbers[0]..numbers[0] + numbers[2]].fill('#');
        }
        lines.into_iter().map(String::from_iter).collect()
    }

    #[test]
    fn a_code_has_its_three_corners_and_white_around_it() {
        let svg = svg("https://example.org/shop/91110108MA00000000", "<name>").unwrap().to_string();
        assert!(svg.contains("&lt;name&gt;") && !svg.contains("style="));
        let lines = squares(&svg);
        assert!(lines.iter().take(4).chain(lines.iter().rev().take(4)).all(|line| line.trim().is_empty()));
        let corner = ["#######", "#     #", "# ### #", "# ### #", "# ### #", "#     #", "#######"];
        let last = lines.len() - 4 - 7;
        for (row, column) in [(4, 4), (4, last), (last, 4)] {
            for (line, wanted) in lines[row..row + 7].iter().zip(corner) {
                assert_eq!(line.get(column..column + 7), Some(wanted), "{row} {column}");
            }
        }
    }

    #[test]
    fn what_is_too_long_for_a_code_has_none() {
        assert!(svg(&"x".repeat(4000), "n").is_none());
    }
}
