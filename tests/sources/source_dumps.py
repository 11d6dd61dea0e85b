"""A small sound dump of every source, in the shape that its owner publishes, and what it must become."""

# ruff: noqa: E501 (raw rows are as long as they are)

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Dump:
    """Raw files, and the rows of each table that they become.

    Attributes:
        files: name -> content.
        inter, item, user: the rows expected, or None where no such table is made.
        damage: the files whose lines may be damaged one by one in the fuzz test.
        options: the source's own options.
        header: lines at the top of those files that must stay sound.
    """

    files: dict[str, str | bytes]
    inter: list[list[str]]
    item: list[list[str]] | None = None
    user: list[list[str]] | None = None
    damage: tuple[str, ...] = ()
    options: dict[str, Any] = field(default_factory=dict)
    header: int = 0


def lines(*rows: object) -> str:
    return "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)


def columns(rows: list[list[str]], *names: str) -> list[tuple[str, ...]]:
    """Return some columns of an atomic file, given row by row with its header."""
    at = [[cell.split(":")[0] for cell in rows[0]].index(name) for name in names]
    return [tuple(row[place] for place in at) for row in rows[1:]]


def literals(*rows: object) -> str:
    return "".join(f"{row!r}\n" for row in rows)


GENRES = "0|0|0|1|1|1|0|0|0|0|0|0|0|0|0|0|0|0|0"

DUMPS: dict[str, tuple[str, Dump]] = {
    "movielens-100k": (
        "movielens",
        Dump(
            {
                "ml-100k/u.data": "196\t242\t3\t881250949\n186\t302\t3\t891717742\n196\t302\t5\t881250950\n",
                "ml-100k/u.item": (
                    f"242|Toy Story (1995)|01-Jan-1995||http://x|{GENRES}\n"
                    f"302|Misérables, Les (1995)|01-Jan-1995||http://x|{GENRES}\n"
                ).encode("latin-1"),
                "ml-100k/u.user": "196|49|M|writer|55105\n186|39|F|executive|00000\n",
            },
            inter=[["196", "242", "3", "881250949"], ["186", "302", "3", "891717742"], ["196", "302", "5", "881250950"]],
            item=[
                ["242", "Toy Story", "1995", "Animation, Children's, Comedy"],
                ["302", "Misérables, Les", "1995", "Animation, Children's, Comedy"],
            ],
            user=[["196", "49", "M", "writer", "55105"], ["186", "39", "F", "executive", "00000"]],
            damage=("ml-100k/u.data", "ml-100k/u.user"),
        ),
    ),
    "movielens-1m": (
        "movielens",
        Dump(
            {
                "ratings.dat": "1::1193::5::978300760\n1::661::3.5::978302109\n",
                "movies.dat": "1193::One Flew Over the Cuckoo's Nest (1975)::Drama\n661::A \"Q\" (1996)::Children's|Musical\n",
                "users.dat": "1::F::1::10::48067\n",
                "tags.dat": "15::1193::excellent!::1215184630\n16::1193::classic::1\n17::1193::classic::2\n",
            },
            inter=[["1", "1193", "5", "978300760"], ["1", "661", "3.5", "978302109"]],
            item=[
                ["1193", "One Flew Over the Cuckoo's Nest", "1975", "Drama", "classic, excellent!"],
                ["661", 'A "Q"', "1996", "Children's, Musical", ""],
            ],
            user=[["1", "1", "F", "10", "48067"]],
            damage=("ratings.dat", "movies.dat", "users.dat"),
        ),
    ),
    "movielens-latest": (
        "movielens",
        Dump(
            {
                "ratings.csv": "userId,movieId,rating,timestamp\n1,1,4.0,964982703\n2,11,0.5,964981247\n",
                "movies.csv": "movieId,title,genres\n1,Toy Story (1995),Adventure|Comedy\n"
                '11,"American President, The (1995)",(no genres listed)\n',
                "tags.csv": "userId,movieId,tag,timestamp\n2,1,Pixar,1445714994\n3,1,pixar,1\n3,1,fun,1\n",
            },
            inter=[["1", "1", "4", "964982703"], ["2", "11", "0.5", "964981247"]],
            item=[
                ["1", "Toy Story", "1995", "Adventure, Comedy", "pixar, fun"],
                ["11", "American President, The", "1995", "", ""],
            ],
            damage=("ratings.csv", "movies.csv"),
            header=1,
        ),
    ),
    "amazon-2014": (
        "amazon",
        Dump(
            {
                "reviews_Toys_5.json": lines(
                    {"reviewerID": "A1", "asin": "B1", "helpful": [0, 0], "overall": 5.0, "unixReviewTime": 1300000000},
                    {"reviewerID": "A2", "asin": "B2", "overall": 1.0, "unixReviewTime": 1300000001},
                ),
                "meta_Toys.json": literals(
                    {"asin": "B1", "title": "Mc'Donald \"x\"", "price": 3.5, "categories": [["Toys", "Games"], ["Toys"]]},
                    {"asin": "B2", "description": "<p>Fine &amp; dandy</p>", "brand": "Unknown", "categories": [["A"]]},
                ),
            },
            inter=[["A1", "B1", "5", "1300000000"], ["A2", "B2", "1", "1300000001"]],
            item=[
                ["B1", 'Mc\'Donald "x"', "", "Toys, Games", "3.5", "", ""],
                ["B2", "", "", "A", "", "", "Fine & dandy"],
            ],
            damage=("reviews_Toys_5.json", "meta_Toys.json"),
        ),
    ),
    "amazon-2018": (
        "amazon",
        Dump(
            {
                "All_Beauty.json": lines(
                    {"overall": 4.0, "verified": True, "reviewerID": "A1", "asin": "B1", "unixReviewTime": 1500000000,
                     "summary": "good", "reviewText": "line one\nline two"},
                    {"overall": 2, "vote": "3", "reviewerID": "A1", "asin": "B2", "unixReviewTime": 1500000001},
                ),
                "meta_All_Beauty.json": lines(
                    {"asin": "B1", "category": ["Beauty", "Hair &amp; Skin"], "title": "Soap", "price": "$1,299.99",
                     "description": ["first", "", "second"], "brand": "Dove", "feature": ["a", "b"]},
                    {"asin": "B2", "category": [], "title": "var aPageStart = (new Date()).getTime(); x", "brand": "",
                     "price": ".a-box-inner{background-color:#fff}", "description": [], "feature": []},
                    {"asin": "B1", "title": "Soap again"},
                ),
            },
            inter=[["A1", "B1", "4", "1500000000", "good", "line one line two"], ["A1", "B2", "2", "1500000001", "", ""]],
            item=[
                ["B1", "Soap", "Dove", "Beauty, Hair & Skin", "1299.99", "a b", "first second"],
                ["B2", "", "", "", "", "", ""],
            ],
            damage=("All_Beauty.json", "meta_All_Beauty.json"),
            options={"reviews": True},
        ),
    ),
    "amazon-2023": (
        "amazon",
        Dump(
            {
                "All_Beauty.jsonl": lines(
                    {"rating": 5.0, "title": "t", "text": "x", "asin": "B9", "parent_asin": "B1", "user_id": "AG1",
                     "timestamp": 1588687728923},
                    {"rating": 3.0, "asin": "B2", "parent_asin": "B2", "user_id": "AG2", "timestamp": 1588687729000},
                ),
                "meta_All_Beauty.jsonl": lines(
                    {"main_category": "All Beauty", "title": "Brush", "store": "Acme", "categories": ["Hair", "Tools"],
                     "price": 9.5, "features": ["soft"], "description": ["d1", "d2"], "parent_asin": "B1"},
                    {"title": "Comb", "store": None, "categories": [], "price": None, "features": [], "description": [],
                     "parent_asin": "B2"},
                ),
            },
            inter=[["AG1", "B1", "5", "1588687728.923"], ["AG2", "B2", "3", "1588687729"]],
            item=[["B1", "Brush", "Acme", "Hair, Tools", "9.5", "soft", "d1 d2"], ["B2", "Comb", "", "", "", "", ""]],
            damage=("All_Beauty.jsonl", "meta_All_Beauty.jsonl"),
        ),
    ),
    "mind": (
        "mind",
        Dump(
            {
                "MINDsmall_train/behaviors.tsv": "1\tU1\t11/11/2019 9:05:58 AM\tN1 N2\tN3-1 N2-0\n"
                "2\tU2\t11/12/2019 6:11:30 PM\t\tN1-0 N2-1\n",
                "MINDsmall_train/news.tsv": 'N1\tlifestyle\troyals\tThe "Brands" Swear\tShop "all"\thttps://x\t[]\t[]\n'
                "N2\tnews\tworld\tTitle two\t\thttps://x\t[]\t[]\n",
                "MINDsmall_dev/behaviors.tsv": "1\tU1\t11/15/2019 0:00:01 AM\tN1 N2 N3\tN2-1\n".replace("0:00", "12:00"),
                "MINDsmall_dev/news.tsv": "N2\tnews\tworld\tTitle two\t\thttps://x\t[]\t[]\n"
                "N3\tsports\tnfl\tTitle three\tAbstract\thttps://x\t[]\t[]\n",
            },
            inter=[
                ["U1", "N2", "1573776001"],
                ["U1", "N3", "1573463158"],
                ["U2", "N2", "1573582290"],
            ],
            item=[
                ["N2", "Title two", "news", "world", ""],
                ["N3", "Title three", "sports", "nfl", "Abstract"],
                ["N1", 'The "Brands" Swear', "lifestyle", "royals", 'Shop "all"'],
            ],
            damage=("MINDsmall_train/behaviors.tsv", "MINDsmall_train/news.tsv"),
        ),
    ),
    "goodreads": (
        "goodreads",
        Dump(
            {
                "goodreads_interactions_poetry.json": lines(
                    {"user_id": "8842281e", "book_id": "36085522", "rating": 5,
                     "date_added": "Sun Jul 30 07:44:10 -0700 2017"},
                    {"user_id": "8842281e", "book_id": "2", "rating": 0, "date_added": "Wed Aug 01 00:00:00 +0000 2012"},
                    {"user_id": "72fb0d00", "book_id": "2", "rating": 3, "date_added": "Wed Aug 01 01:00:00 +0100 2012"},
                ),
                "goodreads_books_poetry.json": lines(
                    {"book_id": "36085522", "title": "Poems", "description": "Lines\nof verse", "publisher": "P",
                     "authors": [{"author_id": "1", "role": ""}, {"author_id": "9", "role": ""}],
                     "popular_shelves": [{"count": "9", "name": "to-read"}, {"count": "2", "name": "poetry"}],
                     "publication_year": "1999"},
                    {"book_id": "2", "title": "Verse", "description": "", "authors": [], "popular_shelves": []},
                ),
                "goodreads_book_authors.json": lines({"author_id": "1", "name": "Ann Poet"}, "broken"),
                "goodreads_book_genres_initial.json": lines({"book_id": "2", "genres": {"poetry": 3, "fiction": 1}}),
            },
            inter=[["8842281e", "36085522", "5", "1501425850"], ["72fb0d00", "2", "3", "1343779200"]],
            item=[
                ["36085522", "Poems", "Ann Poet", "poetry", "1999", "P", "Lines of verse"],
                ["2", "Verse", "", "poetry, fiction", "", "", ""],
            ],
            damage=("goodreads_interactions_poetry.json", "goodreads_books_poetry.json"),
        ),
    ),
    "book-crossing": (
        "book-crossing",
        Dump(
            {
                "BX-Book-Ratings.csv": '"User-ID";"ISBN";"Book-Rating"\n"276725";"034545104X";"0"\n'
                '"276726";"0155061224";"5"\n"276727";"078946697X";"10"\n',
                "BX-Books.csv": (
                    '"ISBN";"Book-Title";"Book-Author";"Year-Of-Publication";"Publisher";"Image-URL-S";"Image-URL-M";'
                    '"Image-URL-L"\n'
                    '"034545104X";"Flesh Tones: A Novel";"M. J. Rose";"2002";"Ballantine Books";"u";"u";"u"\n'
                    '"0155061224";"Rites \\"of\\" Passage; more &amp; more";"Judith Raë";"0";"Heinle";"u";"u";"u"\n'
                    '"078946697X";"DK Readers: X-Men (Level 4)\\";Michael Teitelbaum\\"";"2000";"DK";"u";"u";"u"\n'
                ).encode("latin-1"),
                "BX-Users.csv": '"User-ID";"Location";"Age"\n"276725";"tyler, texas, usa";NULL\n'
                '"276726";"seattle, washington, usa";"18"\n',
            },
            inter=[["276726", "0155061224", "5"], ["276727", "078946697X", "10"]],
            item=[
                ["034545104X", "Flesh Tones: A Novel", "M. J. Rose", "2002", "Ballantine Books"],
                ["0155061224", 'Rites "of" Passage; more & more', "Judith Raë", "", "Heinle"],
                ["078946697X", "DK Readers: X-Men (Level 4)", "Michael Teitelbaum", "2000", "DK"],
            ],
            user=[["276725", "tyler, texas, usa", ""], ["276726", "seattle, washington, usa", "18"]],
            damage=("BX-Book-Ratings.csv", "BX-Books.csv", "BX-Users.csv"),
            header=1,
        ),
    ),
    "yelp": (
        "yelp",
        Dump(
            {
                "yelp_academic_dataset_review.json": lines(
                    {"review_id": "r", "user_id": "u-1", "business_id": "b_1", "stars": 5.0, "useful": 0,
                     "text": "Wow", "date": "2018-07-07 22:09:11"},
                    {"user_id": "u-2", "business_id": "b_1", "stars": 1.0, "text": "", "date": "2012-01-03"},
                ),
                "yelp_academic_dataset_business.json": lines(
                    {"business_id": "b_1", "name": "Abby &amp; Co", "city": "Santa Barbara", "state": "CA", "stars": 4.5,
                     "categories": "Doctors, Health", "hours": None},
                ),
                "yelp_academic_dataset_user.json": lines(
                    {"user_id": "u-1", "name": "X", "review_count": 585, "fans": 267, "average_stars": 3.91}
                ),
            },
            inter=[["u-1", "b_1", "5", "1531001351"], ["u-2", "b_1", "1", "1325548800"]],
            item=[["b_1", "Abby & Co", "Doctors, Health", "Santa Barbara", "CA", "4.5"]],
            user=[["u-1", "585", "267", "3.91"]],
            damage=("yelp_academic_dataset_review.json", "yelp_academic_dataset_business.json"),
        ),
    ),
    "steam": (
        "steam",
        Dump(
            {
                "steam_reviews.json": literals(
                    {"username": "Chaos Syren", "hours": 0.1, "product_id": "725280", "date": "2017-12-17", "text": "x"},
                    {"username": "null", "hours": 5.0, "product_id": "725280", "date": "2017-12-17"},
                    {"username": "₮ʜᴇ", "product_id": "328100", "date": "2017-07-27", "text": "it's"},
                ).replace("{'username'", "{u'username'"),
                "steam_games.json": literals(
                    {"publisher": "K", "genres": ["Action", "Casual"], "app_name": "Lost", "title": "Lost Summoner",
                     "tags": ["Strategy", "Indie"], "price": 4.99, "specs": ["Single-player"], "id": "725280",
                     "developer": "Kotoshiro"},
                    {"app_name": "Ironbound", "price": "Free To Play", "id": "328100"},
                ),
            },
            inter=[["Chaos Syren", "725280", "0.1", "1513468800"], ["₮ʜᴇ", "328100", "", "1501113600"]],
            item=[
                ["725280", "Lost Summoner", "Action, Casual", "Strategy, Indie", "Single-player", "Kotoshiro", "K", "4.99"],
                ["328100", "Ironbound", "", "", "", "", "", "0"],
            ],
            damage=("steam_reviews.json", "steam_games.json"),
        ),
    ),
    "steam-v1": (
        "steam",
        Dump(
            {
                "australian_user_reviews.json": literals(
                    {"user_id": "7656", "user_url": "x", "reviews": [
                        {"funny": "", "item_id": "1250", "recommend": True, "review": "Simple"},
                        {"item_id": "22200", "recommend": False, "review": "no"}]},
                    {"user_id": "js41637", "reviews": []},
                ),
            },
            inter=[["7656", "1250", "1", "Simple"], ["7656", "22200", "0", "no"]],
            damage=("australian_user_reviews.json",),
            options={"reviews": True},
        ),
    ),
    "lastfm": (
        "lastfm",
        Dump(
            {
                "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n2\t52\t11690\n3\t51\t1\n",
                "artists.dat": "id\tname\turl\tpictureURL\n51\tDuran Duran\thttp://x\thttp://y\n"
                "52\tMorcheeba \"x\"\thttp://x\t\n",
                "tags.dat": b"tagID\ttagValue\n1\tmetal\n2\tn\xe9o\n",
                "user_taggedartists.dat": "userID\tartistID\ttagID\tday\tmonth\tyear\n2\t51\t1\t1\t4\t2009\n"
                "3\t51\t2\t1\t4\t2009\n4\t51\t2\t1\t4\t2009\n",
            },
            inter=[["2", "51", "13883"], ["2", "52", "11690"], ["3", "51", "1"]],
            item=[["51", "Duran Duran", "néo, metal"], ["52", 'Morcheeba "x"', ""]],
            damage=("user_artists.dat", "artists.dat"),
            header=1,
        ),
    ),
    "anime": (
        "anime",
        Dump(
            {
                "rating.csv": "user_id,anime_id,rating\n1,20,-1\n1,24,10\n2,24,7\n",
                "anime.csv": "anime_id,name,genre,type,episodes,rating,members\n"
                '24,Kimi no &quot;Na&quot; wa.,"Drama, Romance",Movie,1,9.37,200630\n20,Naruto,Action,TV,Unknown,,5\n',
            },
            inter=[["1", "24", "10"], ["2", "24", "7"]],
            item=[
                ["24", 'Kimi no "Na" wa.', "Drama, Romance", "Movie", "1", "9.37", "200630"],
                ["20", "Naruto", "Action", "TV", "", "", "5"],
            ],
            damage=("rating.csv", "anime.csv"),
            header=1,
        ),
    ),
    "mooc": (
        "mooc",
        Dump(
            {
                "entities/user.json": lines(
                    {"id": "U_24", "name": "王", "gender": 1, "school": "清华大学", "year_of_birth": 1981,
                     "course_order": [682129, 640053], "enroll_time": ["2019-10-12 10:28:02", "2019-11-20 18:14:26"]},
                    {"id": "U_53", "course_order": [], "enroll_time": []},
                ),
                "entities/course.json": lines(
                    {"id": "C_682129", "name": "资治通鉴", "field": ["历史学", "文学"], "about": "a\tb", "prerequisites": ""},
                    {"id": "C_640053", "name": "Course \"two\"", "field": [], "about": "", "prerequisites": None},
                ),
            },
            inter=[["U_24", "C_682129", "1570876082"], ["U_24", "C_640053", "1574273666"]],
            item=[["C_682129", "资治通鉴", "历史学, 文学", "a b", ""], ["C_640053", 'Course "two"', "", "", ""]],
            user=[["U_24", "1", "清华大学", "1981"], ["U_53", "", "", ""]],
            damage=("entities/user.json", "entities/course.json"),
        ),
    ),
    "jester": (
        "jester",
        Dump(
            {
                "jester-data-1.csv": "2,-7.82,99,9.37\n1,99,0.5,99\n",
                "init1.html": "<html>x<!--begin of joke -->\nA <i>man</i>\nwalks &quot;in&quot;\n<!--end of joke --></html>",
                "init3.html": "<!--begin of joke -->Two<!--end of joke -->",
            },
            inter=[["1", "1", "-7.82"], ["1", "3", "9.37"], ["2", "2", "0.5"]],
            item=[["1", 'A man walks "in"'], ["3", "Two"]],
            damage=("jester-data-1.csv",),
        ),
    ),
    "jester-2": (
        "jester",
        Dump(
            {
                "jester_ratings.dat": "1\t\t5\t\t0.219\n1\t\t7\t\t-9.281\n",
                "jester_items.dat": "5:\n<p>\nA man\n</p>\n\n7:\nTwo\n",
            },
            inter=[["1", "5", "0.219"], ["1", "7", "-9.281"]],
            item=[["5", "A man"], ["7", "Two"]],
            damage=("jester_ratings.dat",),
        ),
    ),
    "microlens": (
        "microlens",
        Dump(
            {
                "MicroLens-50k_pairs.csv": "user,item,timestamp\n36121,9580,1583378629552\n1,2,1583378630000\n",
                "MicroLens-50k_titles.csv": "item,title\n9580,\"Food, \"\"yummy\"\" #1\"\n2,plain, with comma\n",
            },
            inter=[["36121", "9580", "1583378629.552"], ["1", "2", "1583378630"]],
            item=[["9580", 'Food, "yummy" #1'], ["2", "plain, with comma"]],
            damage=("MicroLens-50k_pairs.csv", "MicroLens-50k_titles.csv"),
            header=1,
        ),
    ),
    "online-retail": (
        "online-retail",
        Dump(
            {
                "Online Retail.csv": "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
                "536365,85123A,WHITE HANGING HEART,6,12/1/2010 8:26,2.55,17850,United Kingdom\n"
                'C536379,85123A,"Discount, ""x""",-1,12/1/2010 9:41,27.50,14527,France\n'
                "536370,POST,POSTAGE,3,12/1/2010 8:45,18.00,12583,France\n"
                "536414,22139,,56,12/1/2010 11:52,0.0,,United Kingdom\n"
                "536366,22633,HAND WARMER,6,12/1/2010 8:28,1.85,17850.0,United Kingdom\n",
            },
            inter=[["17850", "85123A", "6", "2.55", "1291191960"], ["17850", "22633", "6", "1.85", "1291192080"]],
            item=[["85123A", "WHITE HANGING HEART"], ["22633", "HAND WARMER"]],
            user=[["17850", "United Kingdom"]],
            damage=("Online Retail.csv",),
            header=1,
        ),
    ),
}  # fmt: skip
