//! The snippets for the proxy in front: the tested ones of `contrib/proxies`, with this deployment's names in them.

use super::answers::Answers;
use crate::args::Proxy;

macro_rules! contrib {
    ($name:literal) => {
        include_str!(concat!("../../../../../contrib/proxies/", $name))
    };
}

/// Paths below the folder, and texts.
pub(super) fn snippets(answers: &Answers) -> Vec<(&'static str, String)> {
    let texts: &[(&str, &str)] = match answers.proxy {
        Proxy::None => &[],
        Proxy::Nginx => &[("proxy/nginx.conf", contrib!("nginx/app.example.com.conf"))],
        Proxy::Caddy => &[("proxy/Caddyfile", contrib!("caddy/Caddyfile"))],
        Proxy::Haproxy => {
            &[("proxy/haproxy.cfg", contrib!("haproxy/haproxy.cfg")), ("proxy/bia.lua", contrib!("haproxy/bia.lua"))]
        }
        Proxy::Traefik => {
            &[("proxy/traefik.yml", contrib!("traefik/traefik.yml")), ("proxy/bia.yml", contrib!("traefik/bia.yml"))]
        }
    };
    texts.iter().map(|(path, text)| (*path, fitted(text, answers))).collect()
}

fn fitted(text: &str, answers: &Answers) -> String {
    let host = answers.public_url.host_str().unwrap_or("app.example.com");
    let mut text = text
        .replace("app.example.com", host)
        // Last, so that an application of that name keeps it.
        .replace("127.0.0.1:3000", &answers.application);
    if let Some(port) = answers.public_url.port() {
        for (usual, own) in [
            ("listen 443 ", format!("listen {port} ")),
            ("bind :443 ", format!("bind :{port} ")),
            ("address: \":443\"", format!("address: \":{port}\"")),
            (&format!("\n{host} {{"), format!("\n{host}:{port} {{")),
        ] {
            text = text.replace(usual, &own);
        }
    }
    text
}

#[cfg(test)]
mod tests {

    /// A changed snippet must still have the places that are filled in.
    #[test]
    fn every_snippet_has_the_places_that_are_filled_in() {
        for (text, listens) in [
            (contrib!("nginx/app.example.com.conf"), "listen 443 "),
            (contrib!("caddy/Caddyfile"), "\napp.example.com {"),
            (contrib!("haproxy/haproxy.cfg"), "bind :443 "),
            (contrib!("traefik/bia.yml"), "app.example.com"),
        ] {
            assert!(text.contains(listens), "{listens}");
            for place in ["127.0.0.1:3000", "app.example.com"] {
                assert!(text.contains(place), "{place} in the snippet with {listens}");
            }
            assert!(text.contains("127.0.0.1:4433"), "where the program listens, in the snippet with {listens}");
        }
        assert!(contrib!("traefik/traefik.yml").contains("address: \":443\""));
        assert!(contrib!("haproxy/bia.lua").contains("127.0.0.1:4433"));
    }
}
