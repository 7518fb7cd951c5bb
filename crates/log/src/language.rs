//! What servers call things in other languages (`lc_messages`): the words in front of messages, and those around durations.
//! Other messages are understood in English alone.

mod words;

use memchr::memmem;

use self::words::{EXTRAS, LANGUAGES, Language};
use crate::{
    event::{Event, Phase},
    severity::{Severity, Word},
};

/// Bytes behind a duration within which its unit and the word for the phase stand.
const REACH: usize = 80;

/// The severity a word stands for.
pub(crate) fn severity(word: &[u8]) -> Option<Severity> {
    let place =
        |language: &Language| language.severities.iter().position(|known| known.as_bytes() == word);
    LANGUAGES.iter().find_map(place).map(|place| Severity::ALL[place])
}

/// Reads `FEHLER:  ` or `ASTUCE :  ` at the beginning of a text; gives the word and how many bytes it took.
#[cold]
pub(crate) fn word(text: &[u8]) -> Option<(Word, usize)> {
    let first = text.first()?;
    if !(first.is_ascii_uppercase() || *first >= 128) {
        return None;
    }
    LANGUAGES.iter().find_map(|language| {
        let severities = language.severities.iter().zip(Severity::ALL);
        let records = severities.map(|(word, severity)| (*word, Word::Record(severity)));
        let extras = language.extras.iter().zip(EXTRAS);
        let extras = extras.map(|(word, extra)| (*word, Word::Extra(extra)));
        records.chain(extras).find_map(|(word, meant)| {
            let rest = text.strip_prefix(word.as_bytes())?;
            let rest = if word.ends_with(':') { rest } else { rest.strip_prefix(b":")? };
            let spaces = rest.iter().take(2).take_while(|byte| **byte == b' ').count();
            (spaces > 0 || rest.is_empty()).then_some((meant, text.len() - rest.len() + spaces))
        })
    })
}

/// A duration with its statement, or a statement without one.
#[cold]
pub(crate) fn timed(message: &[u8]) -> Option<Event<'_>> {
    LANGUAGES.iter().find_map(|language| {
        if let Some(text) = message.strip_prefix(language.started.as_bytes()) {
            return Some(Event::Started(text));
        }
        let rest = message.strip_prefix(language.duration.as_bytes())?;
        let (millionths, len) = crate::event::millionths(rest)?;
        let (micros, rest) = (millionths / 1000, &rest[len..]);
        let reach = &rest[..rest.len().min(REACH)];
        if let Some(at) = memmem::find(reach, language.statement.as_bytes()) {
            let text = &rest[at + language.statement.len()..];
            return Some(Event::Timed { phase: Phase::Execute, micros, text });
        }
        let Some(colon) = memmem::find(reach, b": ") else { return Some(Event::Duration(micros)) };
        let has = |word: &str| memmem::find(&reach[..colon], word.as_bytes()).is_some();
        let phase = match language.phases.map(has) {
            [true, _] => Phase::Parse,
            [_, true] => Phase::Bind,
            _ => Phase::Execute,
        };
        Some(Event::Timed { phase, micros, text: &rest[colon + 2..] })
    })
}

/// The language a message is in, if it is one of these and the message one that tells.
pub(crate) fn of(message: &[u8]) -> Option<&'static str> {
    let is_of = |language: &&Language| {
        let marks = [language.duration, language.started].into_iter();
        marks.chain(language.marks.iter().copied()).any(|mark| message.starts_with(mark.as_bytes()))
    };
    LANGUAGES.iter().find(is_of).map(|language| language.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::severity::Extra;

    #[test]
    fn words_of_other_languages_are_read() {
        assert_eq!(severity("ОШИБКА".as_bytes()), Some(Severity::Error));
        assert_eq!(severity(b"ERROR"), Some(Severity::Error));
        assert_eq!(severity(b"FEHLERHAFT"), None);
        let read = |text: &'static str| word(text.as_bytes());
        assert_eq!(read("FEHLER:  x"), Some((Word::Record(Severity::Error), 9)));
        assert_eq!(read("ASTUCE :  x"), Some((Word::Extra(Extra::Hint), 10)));
        assert_eq!(read("文:  x"), Some((Word::Extra(Extra::Statement), 6)));
        assert_eq!(read("FEHLER x"), None);
        assert_eq!(read("joe@app FEHLER:  x"), None);
    }

    #[test]
    fn durations_of_other_languages_are_read() {
        let of_select = |message: &'static str| match timed(message.as_bytes()) {
            Some(Event::Timed { phase, micros, text }) => {
                assert_eq!(text, b"select 1", "{message}");
                (phase, micros)
            }
            other => panic!("{message}: {other:?}"),
        };
        for message in [
            "Dauer: 1.500 ms  Anweisung: select 1",
            "durée : 1.500 ms, instruction : select 1",
            "продолжительность: 1.500 мс, оператор: select 1",
            "期間: 1.500 ミリ秒  文: select 1",
            "执行时间: 1.500 ms 语句: select 1",
            "Dauer: 1.500 ms  Ausführen <unnamed>: select 1",
        ] {
            assert_eq!(of_select(message), (Phase::Execute, 1500), "{message}");
        }
        assert_eq!(of_select("durée : 1.500 ms, analyse s1 : select 1").0, Phase::Parse);
        assert_eq!(
            of_select("продолжительность: 0.1 мс, сообщение Bind s1: select 1").0,
            Phase::Bind
        );
        assert_eq!(timed("Dauer: 1.500 ms".as_bytes()), Some(Event::Duration(1500)));
        assert_eq!(timed(b"nothing"), None);
    }
}
