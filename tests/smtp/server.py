"""An SMTP server for the mail tests (Debian package python3-aiosmtpd).

Takes one JSON argument:
    refuse  addresses answered with 550
    defer   address -> how many times it is answered with 450 before it is taken
    hang    addresses whose RCPT is answered only after a line `release` on standard input
    login   [user, password]: mail is taken after log-in only
    mechanisms  the log-ins it offers; all it knows if unset
    tls     {certificate, key, at_once}: encrypted from the first byte, or after STARTTLS and not before

Writes one JSON object per line to standard output: first the port, then each refused or deferred recipient and each
message, read by Python's own mail parser. Ends when standard input ends.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

# On one machine a password in clear is what is to be tested.
warnings.filterwarnings("ignore", message="Requiring AUTH")
options = json.loads(sys.argv[1])
deferrals = dict(options.get("defer", {}))
login = options.get("login")
tls = options.get("tls")
released = None


def tell(**what):
    print(json.dumps(what), flush=True)


def authenticate(server, session, envelope, mechanism, data):
    user, password = (part.decode() for part in (data.login, data.password))
    if tls:
        tell(event="log_in", mechanism=mechanism, encrypted=server.transport.get_extra_info("sslcontext") is not None)
    # Not handled: the library itself answers 535.
    return AuthResult(success=[user, password] == login, handled=False)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, _options):
        if address in options.get("refuse", []):
            tell(event="refused", address=address)
            return "550 5.1.1 no such mailbox"
        if deferrals.get(address, 0) > 0:
            deferrals[address] -= 1
            tell(event="deferred", address=address)
            return "450 4.2.0 greylisted, come again"
        if address in options.get("hang", []):
            tell(event="hanging", address=address)
            await released.wait()
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
        tell(
            event="message",
            sender=envelope.mail_from,
            recipients=envelope.rcpt_tos,
            headers={name.lower(): str(value) for name, value in message.items()},
            type=message.get_content_type(),
            parts=[
                {"type": part.get_content_type(), "charset": part.get_content_charset(), "text": part.get_content()}
                for part in message.walk()
                if part.get_content_maintype() == "text"
            ],
            defects=[str(defect) for part in message.walk() for defect in part.defects],
        )
        return "250 2.0.0 taken as number 7"


async def main():
    global released
    released = asyncio.Event()
    loop = asyncio.get_running_loop()
    context, at_once = None, False
    if tls:
        context, at_once = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), tls["at_once"]
        context.load_cert_chain(tls["certificate"], tls["key"])
        # A handshake that the client breaks off is what is to be tested.
        loop.set_exception_handler(lambda _loop, _context: None)

    def protocol():
        return SMTP(
            Handler(),
            hostname="localhost",
            authenticator=authenticate if login else None,
            auth_required=bool(login),
            auth_require_tls=bool(context) and not at_once,
            auth_exclude_mechanism={"PLAIN", "LOGIN"} - set(options.get("mechanisms", ["PLAIN", "LOGIN"])),
            tls_context=None if at_once else context,
            require_starttls=bool(context) and not at_once,
        )

    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if at_once else None)
    tell(event="listening", port=server.sockets[0].getsockname()[1])
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line.strip() == b"release":
            released.set()
    server.close()


asyncio.run(main())
