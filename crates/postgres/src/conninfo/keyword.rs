//! Every parameter libpq knows: its name, its variable, and what becomes of it here.

/// A connection parameter.
pub(super) struct Keyword {
    pub(super) name: &'static str,
    pub(super) variable: Option<&'static str>,
    pub(super) support: Support,
}

/// What becomes of a parameter.
pub(super) enum Support {
    /// It takes effect.
    Used,
    /// It can have no effect on reading statistics, or is fixed here.
    Ignored,
    /// Dropping it silently would weaken what was asked for.
    Refused(&'static str),
}

impl Keyword {
    /// The keyword of that exact name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        KEYWORDS.iter().find(|keyword| keyword.name == name)
    }
}

/// What to say about an unknown name.
pub(super) fn unknown(name: &str) -> String {
    let near = KEYWORDS
        .iter()
        .map(|keyword| (strsim::damerau_levenshtein(name, keyword.name), keyword.name))
        .min()
        .filter(|(distance, _)| *distance <= 3);
    let shown: String = name.chars().take(40).collect();
    match near {
        Some((_, near)) => format!("unknown parameter {shown:?}; did you mean {near}?"),
        None => format!("unknown parameter {shown:?}"),
    }
}

const fn used(name: &'static str, variable: &'static str) -> Keyword {
    Keyword { name, variable: Some(variable), support: Support::Used }
}

const fn plain(name: &'static str) -> Keyword {
    Keyword { name, variable: None, support: Support::Used }
}

const fn ignored(name: &'static str) -> Keyword {
    Keyword { name, variable: None, support: Support::Ignored }
}

const fn refused(name: &'static str, variable: Option<&'static str>, why: &'static str) -> Keyword {
    Keyword { name, variable, support: Support::Refused(why) }
}

const OAUTH: &str = "logging in with OAuth is not supported";

/// All parameters of PostgreSQL 18's libpq.
pub(super) static KEYWORDS: &[Keyword] = &[
    used("host", "PGHOST"),
    used("hostaddr", "PGHOSTADDR"),
    used("port", "PGPORT"),
    used("dbname", "PGDATABASE"),
    used("user", "PGUSER"),
    used("password", "PGPASSWORD"),
    used("passfile", "PGPASSFILE"),
    plain("service"),
    plain("servicefile"),
    used("connect_timeout", "PGCONNECT_TIMEOUT"),
    used("options", "PGOPTIONS"),
    used("channel_binding", "PGCHANNELBINDING"),
    used("target_session_attrs", "PGTARGETSESSIONATTRS"),
    used("load_balance_hosts", "PGLOADBALANCEHOSTS"),
    plain("keepalives"),
    plain("keepalives_idle"),
    plain("keepalives_interval"),
    plain("keepalives_count"),
    plain("tcp_user_timeout"),
    used("sslmode", "PGSSLMODE"),
    used("sslnegotiation", "PGSSLNEGOTIATION"),
    used("sslrootcert", "PGSSLROOTCERT"),
    used("sslcert", "PGSSLCERT"),
    used("sslkey", "PGSSLKEY"),
    used("sslcertmode", "PGSSLCERTMODE"),
    used("sslcrl", "PGSSLCRL"),
    used("sslsni", "PGSSLSNI"),
    used("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION"),
    used("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION"),
    used("gssencmode", "PGGSSENCMODE"),
    // The name in pg_stat_activity is always this tool's, and text is always UTF-8.
    ignored("application_name"),
    ignored("fallback_application_name"),
    ignored("client_encoding"),
    ignored("sslcompression"),
    ignored("krbsrvname"),
    ignored("gsslib"),
    ignored("gssdelegation"),
    ignored("min_protocol_version"),
    ignored("max_protocol_version"),
    ignored("sslkeylogfile"),
    refused("replication", None, "this tool opens ordinary sessions only"),
    refused("require_auth", Some("PGREQUIREAUTH"), "the login method cannot be restricted"),
    refused("requirepeer", Some("PGREQUIREPEER"), "the server's user cannot be checked"),
    refused("sslcrldir", Some("PGSSLCRLDIR"), "give one file with sslcrl instead"),
    refused("sslpassword", None, "encrypted keys are not supported; decrypt the key file"),
    refused("scram_client_key", None, "give the password instead"),
    refused("scram_server_key", None, "give the password instead"),
    refused("oauth_issuer", None, OAUTH),
    refused("oauth_client_id", None, OAUTH),
    refused("oauth_client_secret", None, OAUTH),
    refused("oauth_scope", None, OAUTH),
];
