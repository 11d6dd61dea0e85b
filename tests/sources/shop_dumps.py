"""Small sound dumps of what is bought or visited: Amazon, Steam, a retailer and Yelp's businesses."""

# ruff: noqa: E501 (raw rows are as long as they are)

from __future__ import annotations

from dump_shape import Dump, lines, literals

SHOPS: dict[str, tuple[str, Dump]] = {
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
