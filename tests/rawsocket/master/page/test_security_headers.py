from rawsocket.master.page import security_headers


def test_answer_without_headers_gets_all() -> None:
    names = [name for name, _ in security_headers.added([("Content-Type", "text/html")])]
    assert names[:3] == ["Content-Type", "Content-Security-Policy", "X-Content-Type-Options"]
    assert "X-Frame-Options" in names


def test_header_that_is_there_stays() -> None:
    headers = security_headers.added([("content-security-policy", "default-src 'none'")])
    assert [value for name, value in headers if name.lower() == "content-security-policy"] == ["default-src 'none'"]


def test_policy_with_a_nonce_allows_no_other_inline_script() -> None:
    (scripts,) = [part for part in security_headers.policy("abc").split("; ") if part.startswith("script-src")]
    assert scripts == "script-src 'self' 'nonce-abc'"


def test_every_script_gets_the_nonce() -> None:
    page = '<script>1</script><script type="module" src="a.js"></script><scripted>'
    assert security_headers.with_nonce(page, "n") == (
        '<script nonce="n">1</script><script nonce="n" type="module" src="a.js"></script><scripted>'
    )
