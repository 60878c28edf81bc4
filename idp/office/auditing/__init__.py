"""The audit in the admin site: searched, proven and handed out. It needs the heads that the federation room signs."""
