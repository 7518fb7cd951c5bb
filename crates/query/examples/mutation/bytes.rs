//! Chance that can be repeated, and texts changed by it.

/// Xorshift: the same seed gives the same run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (end.max(1) as u64)).unwrap_or(0)
    }
}

/// A piece of a text with bytes changed, pieces removed, doubled, moved and taken from other texts.
pub(crate) fn mutated(dice: &mut Dice, corpus: &[Vec<u8>]) -> Vec<u8> {
    let mut text = piece(dice, corpus, 6_000);
    for _ in 0..=dice.below(12) {
        let at = dice.below(text.len() + 1);
        match dice.below(7) {
            0 if at < text.len() => text[at] = u8::try_from(dice.below(256)).unwrap_or(0),
            1 if at < text.len() => {
                const TELLING: &[u8] = b"{}[]\"':,()<>/&;-+| \n\t\\$0019.e";
                text[at] = TELLING[dice.below(TELLING.len())];
            }
            2 => {
                let end = (at + dice.below(60)).min(text.len());
                text.drain(at..end);
            }
            3 => {
                let end = (at + dice.below(300)).min(text.len());
                let again = text[at..end].repeat(1 + dice.below(40));
                text.splice(at..at, again);
            }
            4 => {
                let other = piece(dice, corpus, 500);
                text.splice(at..at, other);
            }
            5 => text.truncate(at),
            _ => {
                let end = (at + dice.below(200)).min(text.len());
                let part: Vec<u8> = text.drain(at..end).collect();
                let to = dice.below(text.len() + 1);
                text.splice(to..to, part);
            }
        }
    }
    text
}

fn piece(dice: &mut Dice, corpus: &[Vec<u8>], longest: usize) -> Vec<u8> {
    let whole = &corpus[dice.below(corpus.len())];
    let from = dice.below(whole.len());
    // Whole documents are met often enough only when pieces begin at a line.
    let from = whole[..from].iter().rposition(|c| *c == b'\n').map_or(0, |end| end + 1);
    let end = (from + dice.below(longest)).min(whole.len());
    whole[from..end].to_vec()
}
