//! The words themselves, as the server's own translations have them.

use crate::severity::{Extra, Severity};

/// The words of one language, as servers of it write them.
#[derive(Debug)]
pub(super) struct Language {
    /// Its English name.
    pub(super) name: &'static str,
    /// In the order of [`Severity::ALL`].
    pub(super) severities: [&'static str; Severity::ALL.len()],
    /// In the order of [`EXTRAS`], each with its colon.
    pub(super) extras: [&'static str; EXTRAS.len()],
    /// What stands before a duration.
    pub(super) duration: &'static str,
    /// What stands behind a duration and before a statement.
    pub(super) statement: &'static str,
    /// What stands before a statement without a duration.
    pub(super) started: &'static str,
    /// Words for the phases `parse` and `bind`.
    pub(super) phases: [&'static str; 2],
    /// Beginnings of messages that nearly every log holds.
    pub(super) marks: &'static [&'static str],
}

/// What else stands in front of the lines of a record.
pub(super) const EXTRAS: [Extra; 5] =
    [Extra::Detail, Extra::Hint, Extra::Context, Extra::Statement, Extra::Other];

/// All that are known; English is read apart.
pub(super) static LANGUAGES: [Language; 11] = [
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
