"""The sentences that the form's page has, by the names that its script knows them by.

Those without ``form_page`` are what the loader and others report too, in the same words.
"""

from __future__ import annotations

from acmidm_onboarding.texts import MONTHS, N_

SENTENCES: dict[str, str] = {
    "form_page.title": N_("Connection form (aansluitingsformulier)"),
    "form_page.lead": N_(
        "Connect an application to Notificaties, DOSIS or another API behind Flanders' access and"
        " user management (ACM/IDM). This page sends nothing. It makes one small file, which you"
        " mail."
    ),
    "form_page.skip": N_("To the form"),
    "form_page.language": N_("Nederlands"),
    "form_page.open": N_("Continue with a file"),
    "form_page.open.hint": N_(
        "Open what you saved before, or the form (YAML) of a connection that exists: for more"
        " scopes, a new key or production. Also organisation.yaml, or a public key (JSON Web Key)"
        " that you have. You may also drop the file onto this page."
    ),
    "form_page.opened": N_("{file} was read."),
    "form_page.opened.kept": N_(
        "What this page does not know stays in the form as it is: {names}."
    ),
    "form_page.opened.unknown": N_(
        "This is not in this page's catalogue, and was not taken over: {names}."
    ),
    "form_page.refused.private": N_(
        "This file has a private key in it. That does not belong here, and nothing of it was kept."
    ),
    "form_page.refused.unknown": N_(
        "This is no file of this page, no form and no public key. Choose another file."
    ),
    "form_page.organisation": N_("Your organisation"),
    "form_page.label.name": N_("Name of the organisation"),
    "form_page.label.ovo": N_("OVO code"),
    "form_page.hint.ovo": N_(
        "OVO and six digits, such as OVO002067. If you have none, give the KBO number."
    ),
    "form_page.label.kbo": N_("KBO number"),
    "form_page.hint.kbo": N_("Ten digits, such as 0207.451.227. The last two are check digits."),
    "form_page.no_code": N_("give an OVO code or a KBO number"),
    "form_page.application": N_("Your application"),
    "form_page.label.application": N_("Short name of the application"),
    "form_page.hint.application": N_(
        "Lower case letters, digits and hyphens, such as e-loket. With your organisation it names"
        " the connection."
    ),
    "form_page.label.contacts": N_("E-mail addresses of the team"),
    "form_page.hint.contacts": N_(
        "One per line. Addresses of a team, never of a person. The client-ID goes there: the name"
        " by which your application logs on."
    ),
    "form_page.environment": N_("Environment"),
    "form_page.environment.tni": N_("Test environment (TNI). Begin here."),
    "form_page.environment.prod": N_(
        "Production. Only after the validation on the test environment."
    ),
    "form_page.scopes": N_("What your application needs access to"),
    "form_page.scopes.hint": N_(
        "Open an API and choose the scopes: each scope is a right to a part of that API. Request"
        " no more than needed."
    ),
    "form_page.label.scopes": N_("Scopes"),
    "form_page.no_scope": N_("choose at least one scope"),
    "form_page.label.reason": N_("What do you need this for?"),
    "form_page.label.until": N_("Until and including which day?"),
    "form_page.hint.until": N_(
        "For a trial, or a project that ends: year, month and day, such as 2027-12-31. After that"
        " day your application loses this scope."
    ),
    "form_page.unverified": N_("name not confirmed by Digitaal Vlaanderen yet"),
    "form_page.required": N_("required"),
    "form_page.optional": N_("may stay empty"),
    "form_page.field.aanbieder_uri": N_("URI of the sending organisation"),
    "form_page.field.merk_code": N_("Brand code (merkcode)"),
    "form_page.field.product_ids": N_("Products"),
    "form_page.field.channels": N_("Channels"),
    "form_page.field.unsubscribe_link": N_("Address to unsubscribe"),
    "form_page.field.bron_uri": N_("Source URI (bron-URI)"),
    "form_page.field.bron_id": N_("Source ID (bron-ID)"),
    "form_page.field.access_rights": N_("Access rights"),
    "form_page.where.aanbieder_uri": N_(
        "For most organisations it is their address in the organisation register; the page fills"
        " that in by your OVO code. If you have no OVO code, ask the onboarding team of Digitaal"
        " Vlaanderen for the URI."
    ),
    "form_page.where.merk_code": N_(
        "Recipients see your message under this brand. If you do not know it yet, propose one."
        " Digitaal Vlaanderen checks that it is yours."
    ),
    "form_page.where.channels": N_(
        "A message leaves through at least one channel. If you do not know the channels yet, leave"
        " this empty."
    ),
    "form_page.choice.email": N_("e-mail (email), a mail to the recipient"),
    "form_page.choice.passief": N_(
        "passive (passief), without a mail; the recipient reads the message where the recipient"
        " looks, such as in Mijn Burgerprofiel"
    ),
    "form_page.where.product_ids": N_(
        "An IPDC number is the number of your product in the catalogue of products and services of"
        " the Flemish authorities (IPDC, or local LPDC). Whoever manages your products there knows"
        " it."
    ),
    "form_page.where.bron_uri": N_(
        "A source is the system that your dossiers come from. Begin with urn:// and your"
        " organisation, such as urn://voorbeeldem/e-loket. Digitaal Vlaanderen checks that the"
        " source is yours."
    ),
    "form_page.key": N_("Your key pair"),
    "form_page.key.lead": N_(
        "Your application proves with a private key who it is. This page makes the pair on your"
        " own computer. You keep the private key yourself, and it never goes into the file. You can"
        " also do this later, in the Beheerportaal."
    ),
    "form_page.key.again": N_("Each environment has a key pair of its own."),
    "form_page.label.jwks": N_("Public key"),
    "form_page.label.keyless": N_(
        "Make the file without a key. You upload your public key in the Beheerportaal yourself"
        " later."
    ),
    "form_page.no_key": N_(
        "there is no key yet; make a key pair above, or choose here that the file has no key"
    ),
    "form_page.label.algorithm": N_("Kind of key"),
    "form_page.algorithm.RS256": N_("RSA of 4096 bits (RS256), which most software knows"),
    "form_page.algorithm.ES256": N_("P-256 (ES256)"),
    "form_page.label.format": N_("File of the private key"),
    "form_page.format.encrypted": N_("PEM (PKCS#8), encrypted with a passphrase"),
    "form_page.format.pkcs8": N_("PEM (PKCS#8), not encrypted"),
    "form_page.format.jwk": N_("JSON Web Key, not encrypted"),
    "form_page.label.passphrase": N_("Passphrase"),
    "form_page.hint.passphrase": N_(
        "At least {shortest} characters. Without it nobody opens the key, and neither do you."
    ),
    "form_page.label.again": N_("Passphrase, once more"),
    "form_page.passphrase_short": N_(
        "the passphrase has fewer than {shortest} characters; choose a longer one"
    ),
    "form_page.passphrases_differ": N_("the two passphrases differ"),
    "form_page.key.make": N_("Make the pair and save the private key"),
    "form_page.key.working": N_("The key pair is being made. That can take some seconds."),
    "form_page.key.impossible": N_(
        "This browser cannot make keys here. Upload your public key later in the Beheerportaal."
    ),
    "form_page.key.made": N_("There is a public key in the file ({until})."),
    "form_page.key.thumbprint": N_(
        "Thumbprint of the public key: {thumbprint}. We may ask you to confirm it, by telephone"
        " for example."
    ),
    "form_page.key.named": N_(
        "Its kid is {kid}, which is another name. It does not confirm the key."
    ),
    "form_page.key.ended": N_("the key ended on {day}; make a new key pair"),
    "form_page.key.file": N_("Private key, in your Downloads folder: {sentence}."),
    "form_page.key.none": N_("The file has no public key."),
    "form_page.key.keeps.form": N_("The connection keeps that of the form that you opened."),
    "form_page.key.keeps.supplier": N_("The connection keeps the keys of its supplier."),
    "form_page.key.keeps.address": N_(
        "The connection keeps those at the address in the form that you opened."
    ),
    "form_page.key.keeps.secret": N_("The connection keeps its client secret."),
    "form_page.key.replace": N_(
        "The file already has the public key {thumbprint}. In the file a new pair takes its place."
        " If you have mailed that key already, it keeps working, beside the new one. If not, the"
        " private key that belongs to it does not work. Do you want a new pair?"
    ),
    "form_page.finish": N_("Save and send"),
    "form_page.finish.keep": N_("Save for later"),
    "form_page.finish.keep.hint": N_(
        "What you save for later may be half filled in. The private key is never in the file."
    ),
    "form_page.finish.make": N_("Make the file"),
    "form_page.draft": N_("draft"),
    "form_page.kept": N_("{file} is in your Downloads folder. Open it on this page later."),
    "form_page.mistakes.one": N_("One thing is still to be corrected"),
    "form_page.mistakes.many": N_("{count} things are still to be corrected"),
    "form_page.done": N_("{file} is ready, in your Downloads folder"),
    "form_page.done.mail": N_(
        "Mail it as an attachment to the onboarding team of Digitaal Vlaanderen, or to whoever"
        " gave you this page. It has no secret in it."
    ),
    "form_page.done.private": N_(
        "Keep the private key where the secrets of your application are. Never mail it."
    ),
    "form_page.done.next": N_(
        "Digitaal Vlaanderen reviews the form, makes the client, and mails you the client-ID. Then"
        " whoever has the private key proves with acmidm probe that it works: your developer or"
        " your supplier. The mail says how, also without Git."
    ),
    "form_page.done.production": N_(
        "Production wants proof of the test environment (TNI): whoever has the private key gives"
        " it there with acmidm probe. Without it nothing is made in production."
    ),
    "form_page.file.draft": N_(
        "Draft of a connection form (aansluitingsformulier). It is not finished. Open it on the"
        " page to continue."
    ),
    "form_page.file.comment": N_(
        "Connection form (aansluitingsformulier). Mail this file; it has no secrets in it."
    ),
    **{f"form_page.month.{number}": month for number, month in enumerate(MONTHS, 1)},
    "problems.code.no_ovo": N_(
        "{text} is not an OVO code; write OVO and six digits, such as OVO002067"
    ),
    "problems.code.no_kbo": N_(
        '{text} is not a KBO number; write ten digits, such as "0207.451.227"'
    ),
    "problems.code.kbo_start": N_(
        'KBO number "{text}" starts with {digit}; the first digit is 0 or 1, check the number'
    ),
    "problems.code.kbo_check": N_(
        'KBO number "{text}" has check digits {digits} where {due:02d} is due; check the number'
        " for a typing error"
    ),
    "problems.name.not_latin": N_("{text} has the character {char}; write it in Latin letters"),
    "problems.jwk.the_key": N_("the key {sentence}"),
    "problems.jwk.exp": N_(
        "has an exp that is no moment in seconds since 1970; correct or remove it"
    ),
    "problems.name.no_application": N_(
        "{text} is not an application name; use lower case letters, digits and single hyphens, 64"
        " at most"
    ),
    "problems.name.of_platform": N_(
        "{text} is the name of a platform; name the application otherwise"
    ),
    "problems.name.no_mail_address": N_(
        "{text} is not an e-mail address; write one such as api-beheer@stad.example"
    ),
    "problems.name.no_day": N_("{value} is no day; write one such as 2027-03-31"),
    "problems.code.kbo_shared": N_(
        "KBO number 0316.380.841 is shared by all departments of the Flemish administration; add"
        " the OVO code of this one"
    ),
    "shape.missing": N_("is missing"),
    "shape.missing.remedy": N_("add it"),
    "shape.too_short": N_("is empty"),
    "shape.too_short.remedy": N_("give at least one"),
    "shape.too_long": N_("has more than {max_length} items"),
    "shape.too_long.remedy": N_("remove some"),
    "shape.string_too_long": N_("is longer than {max_length} characters"),
    "shape.string_too_long.remedy": N_("shorten it"),
    "shape.not_one_line": N_(
        "contains a line break, a control or invisible character, or a space at an end"
    ),
    "shape.not_one_line.remedy": N_("write it on one line"),
    "configuration.unknown_value": N_("is {value}, which is not known"),
    "configuration.pattern_of_value": N_("is {value}, which does not have the required form"),
    "configuration.minItems": N_("has too few items"),
    "configuration.maxItems": N_("has too many items"),
    "configuration.uniqueItems": N_("has the same value twice"),
    "configuration.minLength": N_("is too short"),
    "configuration.maxLength": N_("is too long"),
    "configuration.give": N_("give {description}"),
    "new.field.notificaties.aanbieder_uri": N_(
        "The URI of the sending organisation (AanbiederUri), such as"
        " https://data.vlaanderen.be/id/organisatie/OVO002067"
    ),
    "new.field.notificaties.merk_code": N_(
        "The code of the brand that recipients see (MerkCode), such as stad-gent"
    ),
    "new.field.notificaties.product_ids": N_(
        "The products that you notify about, IPDC numbers, with commas between them, such as 10244"
    ),
    "new.field.dosis.bron_uri": N_(
        "The URI of the source that the dossiers come from, such as urn://ovam/evoa"
    ),
    "new.field.dosis.product_ids": N_(
        "The products that the dossiers are about, IPDC numbers, with commas between them, such as"
        " 10244"
    ),
    "new.field.notificaties.channels": N_(
        "The channels that notifications go through. Without a channel nothing can be sent"
    ),
    "new.field.notificaties.unsubscribe_link": N_(
        "The address where a recipient unsubscribes, such as https://town.example/unsubscribe, for"
        " a sender that supplies e-mail addresses itself"
    ),
    "new.field.dosis.bron_id": N_("The Bron-ID of that source, where you know it"),
    "new.field.dosis.access_rights": N_(
        'Who may see a dossier, "Raadpleger" for a citizen, or the right in IDM that somebody of'
        " an enterprise needs"
    ),
    "keys.private": N_(
        "{file}, encrypted; keep it and its passphrase where the application's secrets are, and"
        " nowhere else"
    ),
    "keys.unencrypted": N_(
        "{file}, not encrypted: whoever reads the file can act as the application; keep it where"
        " the application's secrets are, and nowhere else"
    ),
    "keys.stays": N_("{file} stays where it is; only its public half is in the form"),
    "keys.ends": N_("valid until {day}"),
    "keys.endless": N_("without an end"),
}
