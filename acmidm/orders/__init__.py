"""Orders to people at a portal: what each says, since when, and what is confirmed once it is
carried out.

Which orders there are is a rule of the module (``rules/orders.py``), and
``report/revisions/order_history.py`` finds them in Git. ``listed`` says what a person does,
``writing`` writes confirmations, ``checking`` compares these with what can be seen. It imports
reports and what is below them. The next kind of order is an ``Act`` of that rule, and its texts.
"""
