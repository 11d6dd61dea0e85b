"""What public dumps call users, items, ratings and times."""

from __future__ import annotations

from collections.abc import Sequence

from recbole_ktrec.sources.tables import ITEM, RATING, TIME, USER, Kind

#: What an item is called by: its id, or its name in a table of items that has a column [id].
NOUNS = ("movie", "book", "article", "course", "video", "anime", "song", "game", "track", "artist", "recipe")
#: Codes of goods, which are the id where nothing else is: interactions go by a shop's own ids first.
CODES = ("barcode", "ean", "gtin", "upc", "isbn13")
#: Visits, which stand for users in logs that have none (diginetica, yoochoose, otto).
SESSIONS = ("sessionid", "session", "usersession", "sessionkey", "visitid")
#: What may mean a time and another thing, such as a step or how long something took: it is one if it holds some.
MOMENTS = ("t", "unix", "epoch", "unixts", "eventts", "clickts", "servertime", "servertimestamp", "logtime",
           "requesttime", "ordertime", "buytime", "paytime", "purchasetime", "viewtime", "watchtime", "ratingtime",
           "ratetime", "starttime", "startedat", "visitdate", "viewdate", "clickdate", "ratedate", "datecreated",
           "dateofreview", "submittedat", "postedat")  # fmt: skip
#: What users and items are called by that tables of them have beside their [id], as a track has its album.
BESIDE = {
    USER: ("useruuid", "userguid", "userhash", "useridx", "userindex", "userno", "usercode", "usernumber",
           "customeruuid", "customercode", "customerno", "customernumber", "custid", "subscriberid", "profileid",
           "personid", "viewerid", "listenerid", "guestid", "raterid", "steamid", "householdkey", "householdid",
           "fullvisitorid", "userpseudoid", "anonymousid", "distinctid", "reviewer", "reviewername",
           "reviewprofilename", "profilename", "userprofilename",
           "email", "useremail", "emailaddress", "customeremail", "mail", *SESSIONS),
    ITEM: (*CODES, *NOUNS, "itemuuid", "productuuid", "contentuuid", "itemidx", "itemindex", "itemcode", "itemno",
           "itemnumber", "productcode", "productno", "productnumber", "gmapid", "beerid", "beerbeerid", "wineid",
           "restaurantid", "clothingid", "filmid", "showid", "podcastid", "episodeid", "albumid", "documentid", "docid",
           "aid", "photoid", "pinid", "locationid", "propertyid", "lessonid", "exerciseid", "problemid", "questionid"),
}  # fmt: skip
#: Names that go before others in interactions, and come after [id] and [customer_id] where users are described.
_OF_INTERACTIONS = ("customeruniqueid", "username")
#: Output column -> names (lower case, letters and digits only) that mean it, the likeliest first.
NAMES = {
    USER: ("userid", "user", "uid", "reviewerid", "customeruniqueid", "customerid", "customer", "visitorid", "username",
           "userkey", "visitor", "memberid", "member", "accountid", "clientid", "buyerid", "shopperid", "readerid",
           "playerid", "learnerid", "studentid", *BESIDE[USER]),
    ITEM: ("itemid", "item", "iid", "parentasin", "asin", "productid", "product", "movieid", "bookid", "isbn",
           "articleid", "newsid", "courseid", "videoid", "animeid", "songid", "businessid", "stockcode", "sku",
           "skuid", "goodsid", "gameid", "appid", "trackid", "artistid", "postid", "contentid", "listingid", "recipeid",
           "jobid", "hotelid", "placeid", "venueid", "poiid", "paperid", *BESIDE[ITEM], "id"),
    RATING: ("rating", "ratings", "stars", "score", "overall", "bookrating", "userrating", "userscore", "reviewrating",
             "reviewscore", "reviewoverall", "reviewstars", "starrating", "overallrating", "ratingscore",
             "ratingvalue"),
    TIME: ("timestamp", "time", "date", "datetime", "unixreviewtime", "eventtime", "createdat", "ts",
           "eventtimestamp", "reviewtime", "orderdate", "purchasedate", "purchasedat", "viewedat", "watchedat",
           "clickedat", "unixtime", "unixtimestamp", "timestampms", "reviewtimestamp", "reviewdate", "ratedat",
           "ratingtimestamp", "ratingdate", "createtime", "createdtime", "createddate", "createdon", "creationdate",
           "dateadded", "addedat", "eventdate", "actiontime", "interactiontime", "clicktime", "visittime",
           "checkintime", "playedat", "listenedat", "invoicedate", "transactiondate", "transactiontime",
           "orderpurchasetimestamp", "tdat", *MOMENTS),
}  # fmt: skip

#: What people write for an output column of which the name is another.
_MEANT = {
    USER: ("userid", "user", "users", "uid"),
    ITEM: ("itemid", "item", "items", "iid"),
    RATING: ("ratings",),
    TIME: ("timestamps", "time", "times", "date", "dates", "datetime"),
}


def meant(name: str) -> str:
    """Return the output column that somebody may mean who calls one ``name``; empty for none, or if it is that."""
    called = letters(name)
    found = next((target for target, names in _MEANT.items() if called in (*names, letters(target))), "")
    return found if found != name else ""


def named(target: str, names: Sequence[str], kind: Kind) -> list[str]:
    """Return the columns whose names mean ``target``, the likeliest first."""
    plain = {name: letters(name) for name in names}
    return [name for alias in _aliases(target, kind) for name in names if plain[name] == alias]


def letters(name: str) -> str:
    """Return the letters and digits of a name in lower case."""
    return "".join(c for c in name.lower() if c.isalnum())


def _aliases(target: str, kind: Kind) -> Sequence[str]:
    """Return the names that mean ``target``; where items and users are described, [id] is theirs, and so is [uuid]."""
    if kind == "inter" or target not in BESIDE:
        return NAMES[target]
    beside = (*_OF_INTERACTIONS, *BESIDE[target])
    first = [each for each in NAMES[target] if each not in beside]
    return list(dict.fromkeys([*first, "id", "uuid", "guid", *beside]))
