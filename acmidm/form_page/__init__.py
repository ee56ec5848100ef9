"""The aansluitingsformulier as a page: one file for a browser, which sends nothing and asks nothing
of anybody.

It imports forms, values and texts, of which it is made, and the limits of private keys. The next
field of the page is in ``assets/page.html.j2``, its check in ``assets/checks.js``, its label in
``acmidm_onboarding.texts.page``.
"""
