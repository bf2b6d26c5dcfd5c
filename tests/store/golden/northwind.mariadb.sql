CREATE TABLE `odata_meta` (`name` VARCHAR(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `value` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, PRIMARY KEY (`name`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE TABLE `odata_tables` (`id` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `fingerprint` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `names` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, PRIMARY KEY (`id`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE TABLE `odata_forms` (`id` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `wanted` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `present` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, PRIMARY KEY (`id`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE TABLE `odata_changes` (`sequence` BIGINT AUTO_INCREMENT PRIMARY KEY, `source` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `row` BIGINT NOT NULL, `key` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`key`)), `kind` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `columns` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`columns`)), `at` VARCHAR(40) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL, `principal` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE TABLE `odata_streams` (`id` BIGINT AUTO_INCREMENT PRIMARY KEY, `source` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `row` BIGINT NOT NULL, `name` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `content_type` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `length` BIGINT NOT NULL, `version` BIGINT NOT NULL) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `odata_streams_source_row_name_key` ON `odata_streams` (`source`, `row`, `name`)
CREATE TABLE `odata_chunks` (`stream` BIGINT NOT NULL, `ordinal` BIGINT NOT NULL, `data` LONGBLOB NOT NULL, PRIMARY KEY (`stream`, `ordinal`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE TABLE `odata_jobs` (`number` BIGINT AUTO_INCREMENT PRIMARY KEY, `id` VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `state` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `made` BIGINT NOT NULL, `principal` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `method` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `target` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `root` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `headers` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `callback` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `holder` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `lease` BIGINT NOT NULL, `attempts` BIGINT NOT NULL, `status` BIGINT NOT NULL, `answer` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `odata_jobs_id_key` ON `odata_jobs` (`id`)
CREATE INDEX `odata_jobs_state_lease_index` ON `odata_jobs` (`state`, `lease`)
CREATE TABLE `odata_search` (`source` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `row` BIGINT NOT NULL, `term` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `position` BIGINT NOT NULL, PRIMARY KEY (`term`, `source`, `row`, `position`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE INDEX `odata_search_source_row_index` ON `odata_search` (`source`, `row`)
CREATE TABLE `Categories` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `ID` INT NOT NULL, `Name` VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Description` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `Picture` LONGBLOB) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Categories_ID_key` ON `Categories` (`ID`)
CREATE TABLE `Products` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `_type` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `ID` INT NOT NULL, `Name` VARCHAR(80) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `Ean` VARCHAR(13) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `ReleaseDate` DATETIME(3), `UnitPrice` DECIMAL(10,4) NOT NULL, `UnitsInStock` SMALLINT NOT NULL, `Rating` DOUBLE, `Weight` DECIMAL(9,3), `Features` BIGINT NOT NULL, `Dimensions_present` BOOLEAN, `Dimensions_Width` DECIMAL(8,2), `Dimensions_Height` DECIMAL(8,2), `Dimensions_Depth` DECIMAL(8,2), `Discontinued` BOOLEAN NOT NULL, `CategoryID` INT, `ShelfLife` BIGINT, `StorageTemperature` SMALLINT, `SizeInBytes` BIGINT, `Checksum` LONGBLOB, `Supplier_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Products_ID_key` ON `Products` (`ID`)
CREATE UNIQUE INDEX `Products_Ean_key` ON `Products` (`Ean`)
CREATE INDEX `Products_Supplier_id__id_index` ON `Products` (`Supplier_id`, `_id`)
CREATE INDEX `Products_CategoryID__id_index` ON `Products` (`CategoryID`, `_id`)
CREATE INDEX `Products_Name__id_index` ON `Products` (`Name`, `_id`)
CREATE INDEX `Products_UnitPrice__id_index` ON `Products` (`UnitPrice`, `_id`)
CREATE TABLE `Products_Tags_link` (`source` BIGINT NOT NULL, `target` BIGINT NOT NULL, PRIMARY KEY (`source`, `target`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE INDEX `Products_Tags_link_target_source_index` ON `Products_Tags_link` (`target`, `source`)
CREATE TABLE `Products_DigitalProduct$Requires_link` (`source` BIGINT NOT NULL, `target` BIGINT NOT NULL, PRIMARY KEY (`source`, `target`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE INDEX `Products_DigitalProduct$Requires_link_target_source_index` ON `Products_DigitalProduct$Requires_link` (`target`, `source`)
CREATE TABLE `Tags` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `Name` VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Color` VARCHAR(7) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Tags_Name_key` ON `Tags` (`Name`)
CREATE TABLE `Suppliers` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `ID` CHAR(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL, `CompanyName` VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Address` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Address`)), `Phones` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Phones`)), `LeadTimes` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`LeadTimes`))) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Suppliers_ID_key` ON `Suppliers` (`ID`)
CREATE TABLE `PriceChanges` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `ProductID` INT NOT NULL, `ValidFrom` DATETIME(3) NOT NULL, `Price` DECIMAL(10,4) NOT NULL) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `PriceChanges_ProductID_ValidFrom_key` ON `PriceChanges` (`ProductID`, `ValidFrom`)
CREATE INDEX `PriceChanges_ProductID__id_index` ON `PriceChanges` (`ProductID`, `_id`)
CREATE TABLE `Reviews` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `ID` BIGINT NOT NULL, `Stars` SMALLINT NOT NULL, `Text` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `Scores` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Scores`)), `WrittenAt` VARCHAR(40) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL, `Product_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Reviews_ID_key` ON `Reviews` (`ID`)
CREATE INDEX `Reviews_Product_id__id_index` ON `Reviews` (`Product_id`, `_id`)
CREATE TABLE `Customers` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `CustomerID` VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `CompanyName` VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Address` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Address`)), `Contacts` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Contacts`)), `CreditLimit` DECIMAL(12,2), `_dynamic` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`_dynamic`))) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Customers_CustomerID_key` ON `Customers` (`CustomerID`)
CREATE TABLE `Orders` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `OrderID` INT NOT NULL, `CustomerID` VARCHAR(5) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `EmployeeID` INT, `OrderDate` DATETIME(3), `RequiredDate` DATE, `DeliverAt` TIME(0), `Freight` DECIMAL(19,4), `Status` BIGINT NOT NULL, `ShipTo` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`ShipTo`)), `Shipper_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Orders_OrderID_key` ON `Orders` (`OrderID`)
CREATE INDEX `Orders_Shipper_id__id_index` ON `Orders` (`Shipper_id`, `_id`)
CREATE INDEX `Orders_CustomerID__id_index` ON `Orders` (`CustomerID`, `_id`)
CREATE INDEX `Orders_EmployeeID__id_index` ON `Orders` (`EmployeeID`, `_id`)
CREATE INDEX `Orders_OrderDate__id_index` ON `Orders` (`OrderDate`, `_id`)
CREATE TABLE `OrderDetails` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `OrderID` INT NOT NULL, `ProductID` INT NOT NULL, `UnitPrice` DECIMAL(10,4) NOT NULL, `Quantity` SMALLINT NOT NULL, `Discount` DOUBLE NOT NULL) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `OrderDetails_OrderID_ProductID_key` ON `OrderDetails` (`OrderID`, `ProductID`)
CREATE INDEX `OrderDetails_OrderID__id_index` ON `OrderDetails` (`OrderID`, `_id`)
CREATE INDEX `OrderDetails_ProductID__id_index` ON `OrderDetails` (`ProductID`, `_id`)
CREATE TABLE `Shippers` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `ID` CHAR(36) CHARACTER SET ascii COLLATE ascii_nopad_bin NOT NULL, `CompanyName` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Founded` DATE, `OnTimeRatio` DOUBLE) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Shippers_ID_key` ON `Shippers` (`ID`)
CREATE TABLE `Employees` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `_type` VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `EmployeeID` INT NOT NULL, `FirstName` VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `LastName` VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `BirthDate` DATE, `ShiftStart` TIME(3), `ShiftLength` BIGINT, `Photo` LONGBLOB, `Badge_present` BOOLEAN, `Badge_Number` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `Badge_IssuedOn` DATE, `Quota` DECIMAL(12,2), `Manager_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Employees_EmployeeID_key` ON `Employees` (`EmployeeID`)
CREATE UNIQUE INDEX `Employees_Badge_Number_key` ON `Employees` (`Badge_Number`)
CREATE INDEX `Employees_Manager_id__id_index` ON `Employees` (`Manager_id`, `_id`)
CREATE TABLE `Employees_Territories_link` (`source` BIGINT NOT NULL, `target` BIGINT NOT NULL, PRIMARY KEY (`source`, `target`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE INDEX `Employees_Territories_link_target_source_index` ON `Employees_Territories_link` (`target`, `source`)
CREATE TABLE `Regions` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `RegionID` SMALLINT NOT NULL, `Description` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Regions_RegionID_key` ON `Regions` (`RegionID`)
CREATE TABLE `Territories` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `TerritoryID` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Description` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Region_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Territories_TerritoryID_key` ON `Territories` (`TerritoryID`)
CREATE INDEX `Territories_Region_id__id_index` ON `Territories` (`Region_id`, `_id`)
CREATE TABLE `Warehouses` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `Code` VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Address` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Address`)), `Latitude` DOUBLE, `Longitude` DOUBLE, `Keeper_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Warehouses_Code_key` ON `Warehouses` (`Code`)
CREATE INDEX `Warehouses_Keeper_id__id_index` ON `Warehouses` (`Keeper_id`, `_id`)
CREATE TABLE `Words` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `in` VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `select` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `eq` INT, `group` BIGINT, `save` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `_meta` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin, `order_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Words_in_key` ON `Words` (`in`)
CREATE INDEX `Words_order_id__id_index` ON `Words` (`order_id`, `_id`)
CREATE TABLE `Company` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `ID` INT NOT NULL, `Name` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Headquarters` LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin CHECK (json_valid(`Headquarters`)), `Director_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Company_ID_key` ON `Company` (`ID`)
CREATE INDEX `Company_Director_id__id_index` ON `Company` (`Director_id`, `_id`)
CREATE TABLE `Company_Warehouses_link` (`source` BIGINT NOT NULL, `target` BIGINT NOT NULL, PRIMARY KEY (`source`, `target`)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE INDEX `Company_Warehouses_link_target_source_index` ON `Company_Warehouses_link` (`target`, `source`)
CREATE TABLE `Warehouse_Shelves` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `_owner` BIGINT NOT NULL, `Number` INT NOT NULL, `MaxLoad` DECIMAL(9,3)) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Warehouse_Shelves__owner_Number_key_a864d3f5` ON `Warehouse_Shelves` (`_owner`, `Number`)
CREATE TABLE `Shelf_Bins` (`_id` BIGINT AUTO_INCREMENT PRIMARY KEY, `_version` BIGINT NOT NULL, `_owner` BIGINT NOT NULL, `Label` VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin NOT NULL, `Quantity` INT NOT NULL, `Product_id` BIGINT) ENGINE = InnoDB, DEFAULT CHARACTER SET utf8mb4, COLLATE utf8mb4_nopad_bin
CREATE UNIQUE INDEX `Shelf_Bins__owner_Label_key_9d6b69a7` ON `Shelf_Bins` (`_owner`, `Label`)
CREATE INDEX `Shelf_Bins_Product_id__id_index_03fac415` ON `Shelf_Bins` (`Product_id`, `_id`)
ALTER TABLE `odata_chunks` ADD CONSTRAINT `odata_chunks_stream_reference` FOREIGN KEY (`stream`) REFERENCES `odata_streams` (`id`) ON DELETE CASCADE
ALTER TABLE `Products` ADD CONSTRAINT `Products_CategoryID_reference` FOREIGN KEY (`CategoryID`) REFERENCES `Categories` (`ID`) ON DELETE SET NULL
ALTER TABLE `Products` ADD CONSTRAINT `Products_Supplier_id_reference` FOREIGN KEY (`Supplier_id`) REFERENCES `Suppliers` (`_id`) ON DELETE NO ACTION
ALTER TABLE `Products_Tags_link` ADD CONSTRAINT `Products_Tags_link_source_reference` FOREIGN KEY (`source`) REFERENCES `Products` (`_id`) ON DELETE CASCADE
ALTER TABLE `Products_Tags_link` ADD CONSTRAINT `Products_Tags_link_target_reference` FOREIGN KEY (`target`) REFERENCES `Tags` (`_id`) ON DELETE CASCADE
ALTER TABLE `Products_DigitalProduct$Requires_link` ADD CONSTRAINT `Products_DigitalProduct$Requires_link_source_reference` FOREIGN KEY (`source`) REFERENCES `Products` (`_id`) ON DELETE CASCADE
ALTER TABLE `Products_DigitalProduct$Requires_link` ADD CONSTRAINT `Products_DigitalProduct$Requires_link_target_reference` FOREIGN KEY (`target`) REFERENCES `Products` (`_id`) ON DELETE CASCADE
ALTER TABLE `PriceChanges` ADD CONSTRAINT `PriceChanges_ProductID_reference` FOREIGN KEY (`ProductID`) REFERENCES `Products` (`ID`) ON DELETE CASCADE
ALTER TABLE `Reviews` ADD CONSTRAINT `Reviews_Product_id_reference` FOREIGN KEY (`Product_id`) REFERENCES `Products` (`_id`) ON DELETE CASCADE
ALTER TABLE `Orders` ADD CONSTRAINT `Orders_CustomerID_reference` FOREIGN KEY (`CustomerID`) REFERENCES `Customers` (`CustomerID`) ON DELETE SET NULL
ALTER TABLE `Orders` ADD CONSTRAINT `Orders_EmployeeID_reference` FOREIGN KEY (`EmployeeID`) REFERENCES `Employees` (`EmployeeID`) ON DELETE SET NULL
ALTER TABLE `Orders` ADD CONSTRAINT `Orders_Shipper_id_reference` FOREIGN KEY (`Shipper_id`) REFERENCES `Shippers` (`_id`) ON DELETE SET NULL
ALTER TABLE `OrderDetails` ADD CONSTRAINT `OrderDetails_OrderID_reference` FOREIGN KEY (`OrderID`) REFERENCES `Orders` (`OrderID`) ON DELETE CASCADE
ALTER TABLE `OrderDetails` ADD CONSTRAINT `OrderDetails_ProductID_reference` FOREIGN KEY (`ProductID`) REFERENCES `Products` (`ID`) ON DELETE NO ACTION
ALTER TABLE `Employees` ADD CONSTRAINT `Employees_Manager_id_reference` FOREIGN KEY (`Manager_id`) REFERENCES `Employees` (`_id`) ON DELETE SET NULL
ALTER TABLE `Employees_Territories_link` ADD CONSTRAINT `Employees_Territories_link_source_reference` FOREIGN KEY (`source`) REFERENCES `Employees` (`_id`) ON DELETE CASCADE
ALTER TABLE `Employees_Territories_link` ADD CONSTRAINT `Employees_Territories_link_target_reference` FOREIGN KEY (`target`) REFERENCES `Territories` (`_id`) ON DELETE CASCADE
ALTER TABLE `Territories` ADD CONSTRAINT `Territories_Region_id_reference` FOREIGN KEY (`Region_id`) REFERENCES `Regions` (`_id`) ON DELETE NO ACTION
ALTER TABLE `Warehouses` ADD CONSTRAINT `Warehouses_Keeper_id_reference` FOREIGN KEY (`Keeper_id`) REFERENCES `Employees` (`_id`) ON DELETE SET NULL
ALTER TABLE `Words` ADD CONSTRAINT `Words_order_id_reference` FOREIGN KEY (`order_id`) REFERENCES `Words` (`_id`) ON DELETE SET NULL
ALTER TABLE `Company` ADD CONSTRAINT `Company_Director_id_reference` FOREIGN KEY (`Director_id`) REFERENCES `Employees` (`_id`) ON DELETE SET NULL
ALTER TABLE `Company_Warehouses_link` ADD CONSTRAINT `Company_Warehouses_link_source_reference` FOREIGN KEY (`source`) REFERENCES `Company` (`_id`) ON DELETE CASCADE
ALTER TABLE `Company_Warehouses_link` ADD CONSTRAINT `Company_Warehouses_link_target_reference` FOREIGN KEY (`target`) REFERENCES `Warehouses` (`_id`) ON DELETE CASCADE
ALTER TABLE `Warehouse_Shelves` ADD CONSTRAINT `Warehouse_Shelves__owner_reference_7e7dd2a3` FOREIGN KEY (`_owner`) REFERENCES `Warehouses` (`_id`) ON DELETE CASCADE
ALTER TABLE `Shelf_Bins` ADD CONSTRAINT `Shelf_Bins__owner_reference_c72e40bf` FOREIGN KEY (`_owner`) REFERENCES `Warehouse_Shelves` (`_id`) ON DELETE CASCADE
ALTER TABLE `Shelf_Bins` ADD CONSTRAINT `Shelf_Bins_Product_id_reference_75d8ef16` FOREIGN KEY (`Product_id`) REFERENCES `Products` (`_id`) ON DELETE SET NULL
