"""The frontend for MegEngine graph dumps (`.mge`): from the file to records, without MegEngine."""
