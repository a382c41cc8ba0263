//! Finding merchants by what people remember of them: every word of a question must stand somewhere in what the reader may see of the
//! merchant (name, brand, credit code, representative, street, mall, unit), or be the first letters of how name or brand are spoken (pinyin).

use super::View;
use crate::domain::envelope::Position;
use crate::domain::merchant::Merchant;
use pinyin::ToPinyin as _;

/// A question, its words in small letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Words(Vec<String>);

impl Words {
    pub(super) fn of(question: &str) -> Self {
        Self(question.to_lowercase().split_whitespace().map(str::to_owned).collect())
    }
}

impl View<'_> {
    /// Says whether a merchant has every word, as known at a position.
    pub(super) fn has_words(&self, merchant: &Merchant, words: &Words, known: Position) -> bool {
        if words.0.is_empty() {
            return true;
        }
        let reader = self.reader(merchant);
        let names = [merchant.name(known), merchant.brand(known)];
        let names: Vec<String> = names.into_iter().flatten().map(str::to_lowercase).collect();
        let code = merchant.code.as_str().to_lowercase();
        // A mall and a bank know the shops of their own; who leads the company is for the offices.
        let person = merchant.detail(known, |row| row.legal_representative.as_deref());
        let person = person.filter(|_| self.scope.sees_whole_merchants());
        let street = merchant.detail(known, |row| row.street.as_deref());
        let shops = merchant.shops.iter().filter(|shop| reader.sees_shops_in(&shop.name.mall));
        let places = shops.flat_map(|shop| [shop.name.mall.as_str(), shop.name.unit.as_str()]);
        let others: Vec<String> = person.into_iter().chain(street).chain(places).map(str::to_lowercase).collect();
        words.0.iter().all(|word| {
            code.contains(word.as_str())
                || names.iter().chain(&others).any(|text| text.contains(word.as_str()))
                || (is_latin(word) && names.iter().any(|name| initials(name).contains(word.as_str())))
        })
    }
}

fn is_latin(word: &str) -> bool {
    word.chars().all(|letter| letter.is_ascii_lowercase())
}

/// Returns the first letters of how a name is spoken: `dfgc` of 东方广场; other letters and digits stay, signs do not.
fn initials(name: &str) -> String {
    name.chars()
        .zip(name.to_pinyin())
        .filter(|(letter, _)| letter.is_alphanumeric())
        .map(|(letter, spoken)| spoken.and_then(|it| it.first_letter().chars().next()).unwrap_or(letter))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_first_letters_of_its_syllables() {
        assert_eq!(initials("海淀<健身>a座"), "hdjsaz");
        assert!(is_latin("hd") && !is_latin("h1") && !is_latin("海"));
    }
}
