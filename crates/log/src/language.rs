//! What servers call things in other languages (`lc_messages`): the words in front of messages, and those around durations.
//! Other messages are understood in English alone.

use memchr::memmem;

use crate::{
    event::{Event, Phase},
    severity::{Extra, Severity, Word},
};

/// The words of one language, as servers of it write them.
#[derive(Debug)]
struct Language {
    /// Its English name.
    name: &'static str,
    /// In the order of [`Severity::ALL`].
    severities: [&'static str; Severity::ALL.len()],
    /// In the order of [`EXTRAS`], each with its colon.
    extras: [&'static str; EXTRAS.len()],
    /// What stands before a duration.
    duration: &'static str,
    /// What stands behind a duration and before a statement.
    statement: &'static str,
    /// What stands before a statement without a duration.
    started: &'static str,
    /// Words for the phases `parse` and `bind`.
    phases: [&'static str; 2],
    /// Beginnings of messages that nearly every log holds.
    marks: &'static [&'static str],
}

const EXTRAS: [Extra; 5] =
    [Extra::Detail, Extra::Hint, Extra::Context, Extra::Statement, Extra::Other];

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

static LANGUAGES: [Language; 11] = [
    Language {
        name: "German",
        severities: ["DEBUG", "INFO", "HINWEIS", "LOG", "WARNUNG", "FEHLER", "FATAL", "PANIK"],
        extras: ["DETAIL:", "TIPP:", "ZUSAMMENHANG:", "ANWEISUNG:", "ANFRAGE:"],
        duration: "Dauer: ",
        statement: "Anweisung: ",
        started: "Anweisung: ",
        phases: ["Parsen", "Binden"],
        marks: &[
            "Verbindung empfangen: Host=",
            "Datenbanksystem ist bereit, um Verbindungen anzunehmen",
            "Checkpoint komplett: ",
        ],
    },
    Language {
        name: "Spanish",
        severities: ["DEBUG", "INFO", "NOTICE", "LOG", "WARNING", "ERROR", "FATAL", "PANIC"],
        extras: ["DETALLE:", "HINT:", "CONTEXTO:", "SENTENCIA:", "CONSULTA:"],
        duration: "duración: ",
        statement: "sentencia: ",
        started: "sentencia: ",
        phases: ["parse:", "bind"],
        marks: &[
            "conexión recibida: host=",
            "el sistema de bases de datos está listo para aceptar conexiones",
            "checkpoint completado: se escribió ",
        ],
    },
    Language {
        name: "French",
        severities: ["DEBUG", "INFO", "NOTICE", "LOG", "ATTENTION", "ERREUR", "FATAL", "PANIC"],
        extras: ["DÉTAIL:", "ASTUCE :", "CONTEXTE :", "INSTRUCTION :", "REQUÊTE :"],
        duration: "durée : ",
        statement: "instruction : ",
        started: "instruction : ",
        phases: ["analyse", "lien"],
        marks: &[
            "connexion reçue : hôte=",
            "le système de bases de données est prêt pour accepter les connexions",
            "checkpoint terminé : a écrit ",
        ],
    },
    Language {
        name: "Italian",
        severities: [
            "DEBUG",
            "INFO",
            "NOTIFICA",
            "LOG",
            "ATTENZIONE",
            "ERRORE",
            "FATALE",
            "PANICO",
        ],
        extras: ["DETTAGLI:", "SUGGERIMENTO:", "CONTESTO:", "ISTRUZIONE:", "QUERY:"],
        duration: "durata: ",
        statement: "istruzione: ",
        started: "istruzione: ",
        phases: ["analisi di", "bind"],
        marks: &[
            "connessione ricevuta: host=",
            "il database è pronto ad accettare connessioni",
            "checkpoint completato: ha scritto ",
        ],
    },
    Language {
        name: "Japanese",
        severities: ["DEBUG", "INFO", "NOTICE", "LOG", "WARNING", "ERROR", "FATAL", "PANIC"],
        extras: ["詳細:", "ヒント:", "文脈:", "文:", "問い合わせ:"],
        duration: "期間: ",
        statement: "文: ",
        started: "文: ",
        phases: ["パース", "バインド"],
        marks: &[
            "接続を受け付けました: ホスト=",
            "データベースシステムの接続受け付け準備が整いました",
            "チェックポイント完了: ",
        ],
    },
    Language {
        name: "Georgian",
        severities: [
            "გამართვა",
            "ინფორმაცია",
            "გაფრთხილება",
            "ჟურნალი",
            "გაფრთხილება",
            "შეცდომა",
            "ფატალური",
            "პანიკა",
        ],
        extras: ["დეტალები:", "მინიშნება:", "კონტექსტი:", "ოპერატორი:", "მოთხოვნა:"],
        duration: "ხანგრძლივობა: ",
        statement: "გამოსახულება: ",
        started: "ოპერატორი: ",
        phases: ["დამუშავება", "მიბმა"],
        marks: &[
            "შემოსული დაკავშირება: ჰოსტი=",
            "მონაცემთა ბაზის სისტემა მზადაა შეერთებების მისაღებად",
        ],
    },
    Language {
        name: "Korean",
        severities: ["디버그", "정보", "알림", "로그", "경고", "오류", "치명적오류", "손상"],
        extras: ["상세정보:", "힌트:", "내용:", "명령 구문:", "쿼리:"],
        duration: "실행시간: ",
        statement: "명령 구문: ",
        started: "명령 구문: ",
        phases: ["구문분석", "접속"],
        marks: &[
            "접속 수락: host=",
            "이제 데이터베이스 서버로 접속할 수 있습니다",
            "체크포인트 작업완료: ",
        ],
    },
    Language {
        name: "Russian",
        severities: [
            "ОТЛАДКА",
            "ИНФОРМАЦИЯ",
            "ЗАМЕЧАНИЕ",
            "СООБЩЕНИЕ",
            "ПРЕДУПРЕЖДЕНИЕ",
            "ОШИБКА",
            "ВАЖНО",
            "ПАНИКА",
        ],
        extras: ["ПОДРОБНОСТИ:", "ПОДСКАЗКА:", "КОНТЕКСТ:", "ОПЕРАТОР:", "ЗАПРОС:"],
        duration: "продолжительность: ",
        statement: "оператор: ",
        started: "оператор: ",
        phases: ["разбор", "сообщение Bind"],
        marks: &[
            "принято подключение: узел=",
            "система БД готова принимать подключения",
            "контрольная точка завершена: записано буферов: ",
        ],
    },
    Language {
        name: "Swedish",
        severities: ["DEBUG", "INFO", "NOTIS", "LOGG", "VARNING", "FEL", "FATALT", "PANIK"],
        extras: ["DETALJ:", "TIPS:", "KONTEXT:", "SATS:", "FRÅGA:"],
        duration: "varaktighet: ",
        statement: "sats: ",
        started: "sats: ",
        phases: ["parse", "bind"],
        marks: &[
            "ansluting mottagen: värd=",
            "databassystemet är redo att ta emot anslutningar",
            "checkpoint klar: skrev ",
        ],
    },
    Language {
        name: "Ukrainian",
        severities: [
            "НАЛАГОДЖЕННЯ",
            "ІНФОРМАЦІЯ",
            "ПОВІДОМЛЕННЯ",
            "ЗАПИСУВАННЯ",
            "ПОПЕРЕДЖЕННЯ",
            "ПОМИЛКА",
            "ФАТАЛЬНО",
            "ПАНІКА",
        ],
        extras: ["ВІДОМОСТІ:", "УКАЗІВКА:", "КОНТЕКСТ:", "ІНСТРУКЦІЯ:", "ЗАПИТ:"],
        duration: "тривалість: ",
        statement: "оператор: ",
        started: "оператор: ",
        phases: ["аналізування", "повідомлення bind"],
        marks: &[
            "з'єднання отримано: хост=",
            "система бази даних готова до отримання підключення",
            "контрольна точка завершена: записано ",
        ],
    },
    Language {
        name: "Chinese",
        severities: [
            "调试",
            "信息",
            "注意",
            "日志",
            "警告",
            "错误",
            "致命错误",
            "比致命错误还过分的错误",
        ],
        extras: ["详细信息:", "提示:", "上下文:", "语句:", "查询:"],
        duration: "执行时间: ",
        statement: "语句: ",
        started: "语句: ",
        phases: ["解析", "绑定"],
        marks: &["已接收到连接: 主机=", "数据库系统准备接受连接"],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

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
