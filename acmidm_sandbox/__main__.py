"""`python -m acmidm_sandbox` is `acmidm-sandbox`."""

from acmidm_sandbox import main

if __name__ == "__main__":
    main()
