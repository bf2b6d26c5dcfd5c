"""Fragments that break one rule each: (rule, fragment) or (rule, fragment, version); the mark stands before the element
that the finding must point to. The fragments stand in `documents.document`."""

from __future__ import annotations

M = "<!--!-->"
KEYED = '<Key><PropertyRef Name="ID"/></Key><Property Name="ID" Type="Edm.Int32" Nullable="false"/>'
NOTED = f'<EntityType Name="X">{KEYED}'    # close it with </EntityType>


def entity(members: str, attributes: str = "") -> str:
    return f'<EntityType Name="X"{attributes}>{KEYED}\n{members}</EntityType>'


def prop(attributes: str, inner: str = "") -> str:
    return entity(f'{M}<Property Name="P" {attributes}>{inner}</Property>')


def noted(annotation: str) -> str:
    return f'<ComplexType Name="X"><Property Name="Y" Type="Edm.String"/>\n{annotation}</ComplexType>'


def boxed(children: str) -> str:
    """A case for documents without the container of the prelude."""
    return ('<EntityContainer Name="Box"><EntitySet Name="Es" EntityType="self.E"/><EntitySet Name="Os" EntityType="self.O"/>'
            f'<Singleton Name="Me" Type="self.O"/>\n{children}</EntityContainer>')


DOCUMENT = [
    ("doc-unknown-element", f"{M}<Entity Name='X'/>"),
    ("doc-unknown-element", f"{M}<entityType Name='X'/>"),
    ("doc-unknown-element", f"<ComplexType Name='X'>\n{M}<Key/></ComplexType>"),
    ("doc-unknown-element", entity(f"{M}<Member Name='A'/>")),
    ("doc-unknown-element", f"<EnumType Name='X'><Member Name='A'>\n{M}<Value/></Member></EnumType>"),
    ("doc-unknown-element", noted(f"<Annotation Term='self.T'>\n{M}<Text>x</Text></Annotation>")),
    ("doc-unknown-attribute", f"{M}<ComplexType Name='X' Colour='red'/>"),
    ("doc-unknown-attribute", prop("Type='Edm.String' nullable='false'")),
    ("doc-unknown-attribute", noted(f"{M}<Annotation Term='self.T' Text='x'/>")),
    ("doc-unknown-attribute", f"{M}<ComplexType Name='X' BaseTypes='self.C'/>"),
    ("doc-foreign", f"{M}<ComplexType Name='X' s:a='1' xmlns:s='urn:s'/>"),
    ("doc-foreign", f"<ComplexType Name='X'>\n{M}<s:Label xmlns:s='urn:s'/></ComplexType>"),
    ("doc-text", f"{M}<ComplexType Name='X'>loose</ComplexType>"),
    ("doc-text", entity("").replace("<EntityType", f"{M}<EntityType").replace("</Key>", "</Key>loose")),
    ("doc-missing-attribute", entity(f"{M}<Property Name='P'/>")),
    ("doc-missing-attribute", entity(f"{M}<Property Type='Edm.String'/>")),
    ("doc-missing-attribute", noted(f"{M}<Annotation String='x'/>")),
    ("doc-missing-attribute", f"{M}<Annotations><Annotation Term='self.T' String='x'/></Annotations>"),
    ("doc-missing-attribute", f"{M}<TypeDefinition Name='X'/>"),
    ("doc-attribute-value", f"{M}<ComplexType Name='X' Abstract='yes'/>"),
    ("doc-attribute-value", prop("Type=''")),
    ("doc-attribute-value", f"{M}<ComplexType Name=' '/>"),
    ("doc-attribute-value", prop("Type='Edm.String' MaxLength='many'")),
    ("doc-attribute-value", prop("Type='Edm.String' MaxLength='-1'")),
    ("doc-attribute-value", prop("Type='Edm.Decimal' Precision='x'")),
    ("doc-attribute-value", prop("Type='Edm.Decimal' Scale='some'")),
    ("doc-attribute-value", prop("Type='Edm.GeographyPoint' SRID='earth'")),
    ("doc-attribute-value", prop("Type='Edm.String' Unicode='1.0'")),
    ("doc-attribute-value", f"<EnumType Name='X'>\n{M}<Member Name='A' Value='one'/></EnumType>"),
    ("doc-scale-case", prop("Type='Edm.Decimal' Scale='Variable'")),
    ("doc-repeated-element", f"<EntityType Name='X'>{KEYED}\n{M}<Key><PropertyRef Name='ID'/></Key></EntityType>"),
    ("doc-repeated-element", f"<Function Name='X'><ReturnType Type='Edm.String'/>\n{M}<ReturnType Type='Edm.String'/></Function>"),
    ("doc-repeated-element", entity(f"<NavigationProperty Name='N' Type='self.E'><OnDelete Action='None'/>\n"
                                    f"{M}<OnDelete Action='None'/></NavigationProperty>")),
    ("doc-repeated-element", boxed("").replace("Box", "Bax").replace("<EntityContainer", f"{M}<EntityContainer")),
    ("doc-two-expressions", noted(f"{M}<Annotation Term='self.T' String='x' Path='Y'/>")),
    ("doc-two-expressions", noted(f"{M}<Annotation Term='self.T' String='x'><String>y</String></Annotation>")),
    ("doc-no-value", noted(f"<Annotation Term='self.TC'><Record>\n{M}<PropertyValue Property='No'/></Record></Annotation>")),
    ("doc-operands", noted(f"<Annotation Term='self.T'>\n{M}<Not><Bool>true</Bool><Bool>true</Bool></Not></Annotation>")),
    ("doc-operands", noted(f"<Annotation Term='self.T'>\n{M}<If><Bool>true</Bool></If></Annotation>")),
    ("doc-operands", noted(f"<Annotation Term='self.T'>\n{M}<Eq><String>a</String></Eq></Annotation>")),
    ("doc-key-empty", f"<EntityType Name='X' Abstract='true'>\n{M}<Key/></EntityType>"),
]

NAMES = [
    ("name-syntax", f"{M}<ComplexType Name='my-type'/>"),
    ("name-syntax", f"{M}<ComplexType Name='1st'/>"),
    ("name-syntax", f"{M}<ComplexType Name='{'x' * 129}'/>"),
    ("name-syntax", entity(f"{M}<Property Name='a b' Type='Edm.String'/>")),
    ("name-syntax", f"<EnumType Name='X'>\n{M}<Member Name='a.b' Value='1'/></EnumType>"),
    ("name-twice", f"{M}<ComplexType Name='C'/>"),
    ("name-twice", f"{M}<Term Name='Color' Type='Edm.String'/>"),
    ("name-operation", f"<Action Name='X'/>\n{M}<ComplexType Name='X'/>"),
    ("name-case", f"{M}<ComplexType Name='color'/>"),
    ("name-case", entity(f"<Property Name='p' Type='Edm.String'/>\n{M}<Property Name='P' Type='Edm.String'/>")),
]

TYPES = [
    ("type-unknown", prop("Type='self.Missing'")),
    ("type-unknown", prop("Type='Edm.Strin'")),
    ("type-unknown", prop("Type='String'")),
    ("type-unknown", f"<Action Name='X'>\n{M}<Parameter Name='p' Type='self.Missing'/></Action>"),
    ("type-unknown", prop("Type='Collection(Collection(Edm.String))'")),
    ("type-scope", prop("Type='other.Type'")),
    ("type-old", prop("Type='Edm.DateTime'")),
    ("type-old", prop("Type='Edm.Time'")),
    ("base-kind", f"{M}<ComplexType Name='X' BaseType='self.E'/>"),
    ("base-kind", f"{M}<EntityType Name='X' BaseType='self.C' Abstract='true'/>"),
    ("base-kind", f"{M}<ComplexType Name='X' BaseType='self.Color'/>"),
    ("base-kind", f"{M}<ComplexType Name='X' BaseType='Edm.ComplexType'/>"),
    ("base-unknown", f"{M}<ComplexType Name='X' BaseType='self.Missing'/>"),
    ("base-cycle", f"{M}<ComplexType Name='X' BaseType='self.X'/>"),
    ("base-abstract", f"{M}<EntityType Name='X' BaseType='self.E' Abstract='true'/>"),
    ("base-open", f"<ComplexType Name='W' OpenType='true'/>\n{M}<ComplexType Name='X' BaseType='self.W'/>"),
    ("base-stream", f"<EntityType Name='W' HasStream='true'>{KEYED}</EntityType>\n{M}<EntityType Name='X' BaseType='self.W'/>"),
    ("stream-derived", f"{M}<EntityType Name='X' BaseType='self.E' HasStream='true'/>"),
    ("key-inherited", f"{M}<EntityType Name='X' BaseType='self.E'><Key><PropertyRef Name='Q'/></Key>"
                      "<Property Name='Q' Type='Edm.Int32' Nullable='false'/></EntityType>"),
    ("key-missing", f"{M}<EntityType Name='X'/>"),
    ("key-property-unknown", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='Id'/></Key></EntityType>"),
    ("key-property-unknown", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='C/Missing' Alias='a'/></Key>"
                             "<Property Name='C' Type='self.C' Nullable='false'/></EntityType>"),
    ("key-property-nullable", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='K'/></Key>"
                              "<Property Name='K' Type='Edm.Int32'/></EntityType>"),
    ("key-property-type", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='K'/></Key>"
                          "<Property Name='K' Type='Edm.Double' Nullable='false'/></EntityType>"),
    ("key-property-type", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='K'/></Key>"
                          "<Property Name='K' Type='self.C' Nullable='false'/></EntityType>"),
    ("key-property-collection", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='K'/></Key>"
                                "<Property Name='K' Type='Collection(Edm.Int32)' Nullable='false'/></EntityType>"),
    ("key-property-twice", f"<EntityType Name='X'><Key><PropertyRef Name='K'/>\n{M}<PropertyRef Name='K'/></Key>"
                           "<Property Name='K' Type='Edm.Int32' Nullable='false'/></EntityType>"),
    ("key-path-nullable", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='C/No' Alias='n'/></Key>"
                          "<Property Name='C' Type='self.C'/></EntityType>"),
    ("key-path-type", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='C/No' Alias='n'/></Key>"
                      "<Property Name='C' Type='Edm.Int32' Nullable='false'/></EntityType>"),
    ("key-alias-missing", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='C/No'/></Key>"
                          "<Property Name='C' Type='self.C' Nullable='false'/></EntityType>"),
    ("key-alias-needless", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='K' Alias='n'/></Key>"
                           "<Property Name='K' Type='Edm.Int32' Nullable='false'/></EntityType>"),
    ("key-alias-clash", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='C/No' Alias='C'/></Key>"
                        "<Property Name='C' Type='self.C' Nullable='false'/></EntityType>"),
    ("key-navigation", f"<EntityType Name='X'><Key>\n{M}<PropertyRef Name='N/ID' Alias='n'/></Key>"
                       "<NavigationProperty Name='N' Type='self.E' Nullable='false'/></EntityType>"),
    ("key-navigation-part", "<EntityType Name='W'><Key><PropertyRef Name='A'/><PropertyRef Name='B'/></Key>"
                            "<Property Name='A' Type='Edm.Int32' Nullable='false'/><Property Name='B' Type='Edm.Int32' "
                            f"Nullable='false'/></EntityType><EntityType Name='X'><Key>\n{M}<PropertyRef Name='N/A' Alias='n'/>"
                            "</Key><NavigationProperty Name='N' Type='self.W' Nullable='false'/></EntityType>", "4.01"),
    ("enum-empty", f"{M}<EnumType Name='X'/>"),
    ("enum-underlying", f"{M}<EnumType Name='X' UnderlyingType='Edm.String'><Member Name='A' Value='0'/></EnumType>"),
    ("enum-member-twice", f"<EnumType Name='X'><Member Name='A' Value='0'/>\n{M}<Member Name='A' Value='1'/></EnumType>"),
    ("enum-value-range", f"<EnumType Name='X' UnderlyingType='Edm.Byte'>\n{M}<Member Name='A' Value='256'/></EnumType>"),
    ("enum-value-range", f"<EnumType Name='X'>\n{M}<Member Name='A' Value='2147483648'/></EnumType>"),
    ("enum-values-mixed", f"{M}<EnumType Name='X'><Member Name='A' Value='0'/><Member Name='B'/></EnumType>"),
    ("enum-flags-value", f"<EnumType Name='X' IsFlags='true'>\n{M}<Member Name='A'/></EnumType>"),
    ("enum-flags-negative", f"<EnumType Name='X' IsFlags='true'>\n{M}<Member Name='A' Value='-1'/></EnumType>"),
    ("enum-flags-combined", f"<EnumType Name='X' IsFlags='true'><Member Name='A' Value='1'/>\n"
                            f"{M}<Member Name='B' Value='6'/></EnumType>"),
    ("definition-underlying", f"{M}<TypeDefinition Name='X' UnderlyingType='self.C'/>"),
    ("definition-underlying", f"{M}<TypeDefinition Name='X' UnderlyingType='self.Len'/>"),
    ("definition-abstract", f"{M}<TypeDefinition Name='X' UnderlyingType='Edm.PrimitiveType'/>"),
    ("complex-endless", f"{M}<ComplexType Name='X'><Property Name='P' Type='self.X' Nullable='false'/></ComplexType>"),
]

PROPERTIES = [
    ("property-twice", entity(f"<Property Name='P' Type='Edm.String'/>\n{M}<Property Name='P' Type='Edm.String'/>")),
    ("property-twice", entity(f"<Property Name='P' Type='Edm.String'/>\n{M}<NavigationProperty Name='P' Type='self.E'/>")),
    ("property-type-name", entity(f"{M}<Property Name='X' Type='Edm.String'/>")),
    ("property-inherited", f"<EntityType Name='X' BaseType='self.E'>\n{M}<Property Name='Name' Type='Edm.String'/></EntityType>"),
    ("property-narrowed", f"<EntityType Name='X' BaseType='self.E'>\n{M}<Property Name='Name' Type='Edm.Int32'/></EntityType>",
     "4.01"),
    ("property-kind", f"<EntityType Name='X' BaseType='self.E'>\n{M}<NavigationProperty Name='Name' Type='self.E'/></EntityType>"),
    ("property-entity", prop("Type='self.E'")),
    ("property-path-type", prop("Type='Edm.PropertyPath'")),
    ("property-abstract", prop("Type='Collection(Edm.PrimitiveType)' Nullable='false'")),
    ("property-untyped", prop("Type='Edm.Untyped'")),
    ("property-open-collection", prop("Type='Collection(Edm.ComplexType)' Nullable='false'")),
    ("property-stream-collection", prop("Type='Collection(Edm.Stream)' Nullable='false'")),
    ("property-contained-collection", "<ComplexType Name='W'><NavigationProperty Name='N' Type='self.E' ContainsTarget='true'/>"
                                      f"</ComplexType><ComplexType Name='X'>\n{M}<Property Name='P' Type='Collection(self.W)' "
                                      "Nullable='false'/></ComplexType>"),
    ("collection-nullable", prop("Type='Collection(Edm.String)'"), "4.01"),
    ("default-structured", prop("Type='self.C' DefaultValue='x'")),
    ("default-structured", prop("Type='Collection(Edm.String)' Nullable='false' DefaultValue='x'")),
    ("default-value", prop("Type='Edm.Int32' DefaultValue='x'")),
    ("default-value", prop("Type='Edm.Boolean' DefaultValue='1'")),
    ("default-value", prop("Type='Edm.Date' DefaultValue='2024-02-30'")),
    ("default-value", prop("Type='Edm.Byte' DefaultValue='256'")),
    ("default-value", prop("Type='Edm.Guid' DefaultValue='none'")),
    ("default-enum", prop("Type='self.Color' DefaultValue='Blue'")),
    ("default-length", prop("Type='Edm.String' MaxLength='2' DefaultValue='abc'")),
    ("facet-applies", prop("Type='Edm.Int32' MaxLength='5'")),
    ("facet-applies", prop("Type='Edm.String' Precision='5'")),
    ("facet-applies", prop("Type='Edm.Double' Scale='2'")),
    ("facet-applies", prop("Type='Edm.Binary' Unicode='false'")),
    ("facet-applies", prop("Type='Edm.String' SRID='0'")),
    ("facet-applies", prop("Type='self.Color' MaxLength='5'")),
    ("facet-applies", f"{M}<TypeDefinition Name='X' UnderlyingType='Edm.Int32' MaxLength='1'/>"),
    ("facet-length", prop("Type='Edm.String' MaxLength='0'")),
    ("facet-max", prop("Type='Edm.String' MaxLength='max'"), "4.01"),
    ("facet-precision-decimal", prop("Type='Edm.Decimal' Precision='0' Scale='variable'")),
    ("facet-precision-temporal", prop("Type='Edm.DateTimeOffset' Precision='13'")),
    ("facet-scale", prop("Type='Edm.Decimal' Precision='2' Scale='3'")),
    ("facet-scale-floating", prop("Type='Edm.Decimal' Scale='floating'")),
    ("facet-unicode", f"<Action Name='X'>\n{M}<Parameter Name='p' Type='Edm.String' Unicode='false'/></Action>"),
    ("facet-repeated", prop("Type='self.Len' MaxLength='5'")),
    ("term-type", f"{M}<Term Name='X' Type='self.Missing'/>"),
]


def link(attributes: str, inner: str = "", before: str = "") -> str:
    return entity(f"{before}\n{M}<NavigationProperty Name='N' {attributes}>{inner}</NavigationProperty>")


def partners(one: str, other: str) -> str:
    return (f"<EntityType Name='X'>{KEYED}\n{M}<NavigationProperty Name='N' Type='self.W' Partner='B' {one}/></EntityType>"
            f"<EntityType Name='W'>{KEYED}<NavigationProperty Name='B' {other}/></EntityType>")


def tied(dependent: str, attributes: str, constraint: str) -> str:
    return entity(f"<Property Name='F' {dependent}/><NavigationProperty Name='N' Type='self.E' {attributes}>\n"
                  f"{M}<ReferentialConstraint {constraint}/></NavigationProperty>")


def dependents(attributes: str, action: str) -> str:
    return (f"<EntityType Name='X'>{KEYED}\n{M}<NavigationProperty Name='N' Type='Collection(self.W)' Partner='B'>"
            f"<OnDelete Action='{action}'/></NavigationProperty></EntityType><EntityType Name='W'>{KEYED}"
            f"<Property Name='F' Type='Edm.Int32' Nullable='false'/><NavigationProperty Name='B' Type='self.X' Partner='N' "
            f"Nullable='false'><ReferentialConstraint Property='F' ReferencedProperty='ID'/></NavigationProperty></EntityType>")


NAVIGATION = [
    ("type-unknown", link("Type='self.Missing'")),
    ("navigation-type", link("Type='self.C'")),
    ("navigation-type", link("Type='Edm.String'")),
    ("navigation-nullable", link("Type='Collection(self.E)' Nullable='false'")),
    ("partner-complex", f"<ComplexType Name='X'>\n{M}<NavigationProperty Name='N' Type='self.E' Partner='Others'/></ComplexType>"),
    ("partner-unknown", link("Type='self.E' Partner='Missing'")),
    ("partner-unknown", link("Type='self.E' Partner='Name'")),
    ("partner-path", link("Type='self.E' Partner='Others/Others'")),
    ("partner-type", partners("", "Type='self.O'")),
    ("partner-one-sided", partners("", "Type='self.X'")),
    ("partner-mutual", f"<EntityType Name='X'>{KEYED}<NavigationProperty Name='M' Type='self.W' Partner='B'/>\n"
                       f"{M}<NavigationProperty Name='N' Type='self.W' Partner='B'/></EntityType><EntityType Name='W'>{KEYED}"
                       "<NavigationProperty Name='B' Type='self.X' Partner='M'/></EntityType>"),
    ("containment-key", "<EntityType Name='W'/>\n" + link("Type='Collection(self.W)' ContainsTarget='true'"), "4.01"),
    ("containment-partner-nullable", partners("ContainsTarget='true'", "Type='self.X' Partner='N'")),
    ("containment-partner-collection",
     entity(f"{M}<NavigationProperty Name='N' Type='Collection(self.X)' ContainsTarget='true' Partner='B'/>\n"
            "<NavigationProperty Name='B' Type='Collection(self.X)' Partner='N'/>")),
    ("containment-partner-required",
     entity(f"{M}<NavigationProperty Name='N' Type='Collection(self.X)' ContainsTarget='true' Partner='B'/>\n"
            "<NavigationProperty Name='B' Type='self.X' Nullable='false' Partner='N'/>")),
    ("containment-parents",
     f"<EntityType Name='V'>{KEYED}<NavigationProperty Name='N' Type='Collection(self.X)' ContainsTarget='true' Partner='V1'/>"
     f"</EntityType><EntityType Name='W'>{KEYED}<NavigationProperty Name='N' Type='Collection(self.X)' ContainsTarget='true' "
     f"Partner='W1'/></EntityType>\n{M}<EntityType Name='X'>{KEYED}<NavigationProperty Name='V1' Type='self.V' Nullable='false' "
     "Partner='N'/><NavigationProperty Name='W1' Type='self.W' Nullable='false' Partner='N'/></EntityType>"),
    ("constraint-collection",
     link("Type='Collection(self.E)'", "<ReferentialConstraint Property='F' ReferencedProperty='ID'/>",
          "<Property Name='F' Type='Edm.Int32' Nullable='false'/>").replace("Collection(self.E)'", "Collection(self.E)'")),
    ("constraint-dependent", tied("Type='Edm.Int32'", "", "Property='Missing' ReferencedProperty='ID'")),
    ("constraint-principal", tied("Type='Edm.Int32'", "", "Property='F' ReferencedProperty='Missing'")),
    ("constraint-type", tied("Type='Edm.String'", "", "Property='F' ReferencedProperty='ID'")),
    ("constraint-required", tied("Type='Edm.Int32' Nullable='false'", "", "Property='F' ReferencedProperty='ID'")),
    ("constraint-optional", tied("Type='Edm.Int32'", "Nullable='false'", "Property='F' ReferencedProperty='ID'")),
    ("constraint-twice",
     entity("<Property Name='F' Type='Edm.Int32'/><NavigationProperty Name='N' Type='self.E'><ReferentialConstraint Property='F' "
            f"ReferencedProperty='ID'/>\n{M}<ReferentialConstraint Property='F' ReferencedProperty='ID'/></NavigationProperty>")),
    ("constraint-new", tied("Type='self.C'", "", "Property='F' ReferencedProperty='Home'")),
    ("delete-action", link("Type='self.E'", "<OnDelete Action='Explode'/>")),
    ("delete-null", dependents("", "SetNull")),
    ("delete-default", dependents("", "SetDefault")),
    ("delete-dependent", link("Type='self.E'", "<ReferentialConstraint Property='F' ReferencedProperty='ID'/>"
                              "<OnDelete Action='Cascade'/>", "<Property Name='F' Type='Edm.Int32'/>")),
]

OPERATIONS = [
    ("operation-kind", f"{M}<Action Name='F'/>"),
    ("operation-binding", f"{M}<Action Name='X' IsBound='true'/>"),
    ("parameter-twice", f"<Action Name='X'><Parameter Name='p' Type='Edm.String'/>\n{M}<Parameter Name='p' Type='Edm.String'/></Action>"),
    ("parameter-stream", f"<Action Name='X'>\n{M}<Parameter Name='p' Type='Edm.Stream'/></Action>"),
    ("parameter-optional-order", "<Action Name='X'><Parameter Name='p' Type='Edm.String'><Annotation Term='Core.OptionalParameter'/>"
                                 f"</Parameter>\n{M}<Parameter Name='q' Type='Edm.String'/></Action>"),
    ("parameter-optional-binding", f"<Action Name='X' IsBound='true'>\n{M}<Parameter Name='p' Type='self.E'>"
                                   "<Annotation Term='Core.OptionalParameter'/></Parameter></Action>"),
    ("action-unbound-twice", f"<Action Name='X'/>\n{M}<Action Name='X'/>"),
    ("action-bound-twice", "<Action Name='X' IsBound='true'><Parameter Name='p' Type='self.E'/></Action>\n"
                           f"{M}<Action Name='X' IsBound='true'><Parameter Name='q' Type='self.E'/></Action>"),
    ("function-return", f"{M}<Function Name='X'/>"),
    ("function-overload-names", "<Function Name='X'><Parameter Name='p' Type='Edm.String'/><ReturnType Type='Edm.String'/></Function>\n"
     f"{M}<Function Name='X'><Parameter Name='p' Type='Edm.Int32'/><ReturnType Type='Edm.String'/></Function>"),
    ("function-overload-types", "<Function Name='X'><Parameter Name='p' Type='Edm.String'/><ReturnType Type='Edm.String'/></Function>\n"
     f"{M}<Function Name='X'><Parameter Name='q' Type='Edm.String'/><ReturnType Type='Edm.String'/></Function>"),
    ("function-overload-return", "<Function Name='X'><ReturnType Type='Edm.String'/></Function>\n"
     f"{M}<Function Name='X'><Parameter Name='q' Type='Edm.String'/><ReturnType Type='Edm.Int32'/></Function>"),
    ("set-path-unbound", f"{M}<Function Name='X' EntitySetPath='it'><ReturnType Type='self.E'/></Function>"),
    ("set-path-return", f"{M}<Function Name='X' IsBound='true' EntitySetPath='it'><Parameter Name='it' Type='self.E'/>"
                        "<ReturnType Type='Edm.String'/></Function>"),
    ("set-path-start", f"{M}<Function Name='X' IsBound='true' EntitySetPath='that'><Parameter Name='it' Type='self.E'/>"
                       "<ReturnType Type='self.E'/></Function>"),
    ("set-path-binding", f"{M}<Function Name='X' IsBound='true' EntitySetPath='it'><Parameter Name='it' Type='self.C'/>"
                         "<ReturnType Type='self.E'/></Function>"),
    ("set-path-segment", f"{M}<Function Name='X' IsBound='true' EntitySetPath='it/Missing'><Parameter Name='it' Type='self.E'/>"
                         "<ReturnType Type='self.E'/></Function>"),
    ("set-path-end", f"{M}<Function Name='X' IsBound='true' EntitySetPath='it/Home'><Parameter Name='it' Type='self.E'/>"
                     "<ReturnType Type='self.E'/></Function>"),
    ("set-path-type", f"{M}<Function Name='X' IsBound='true' EntitySetPath='it/Others'><Parameter Name='it' Type='self.E'/>"
                      "<ReturnType Type='self.O'/></Function>"),
]

CONTAINERS = [
    ("container-child-twice", boxed(f"{M}<Singleton Name='Es' Type='self.E'/>")),
    ("set-type", boxed(f"{M}<EntitySet Name='X' EntityType='self.C'/>")),
    ("set-type", boxed(f"{M}<EntitySet Name='X' EntityType='self.Missing'/>")),
    ("set-type", boxed(f"{M}<Singleton Name='X' Type='Edm.EntityType'/>")),
    ("set-key", "<EntityType Name='W' Abstract='true'/>" + boxed(f"{M}<EntitySet Name='X' EntityType='self.W'/>")),
    ("singleton-nullable", boxed(f"{M}<Singleton Name='X' Type='self.E' Nullable='true'/>")),
    ("binding-path", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Missing' Target='Es'/></Singleton>")),
    ("binding-path", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='self.Missing/Others' "
                           "Target='Es'/></Singleton>")),
    ("binding-twice", boxed("<Singleton Name='X' Type='self.E'><NavigationPropertyBinding Path='Others' Target='Es'/>\n"
                            f"{M}<NavigationPropertyBinding Path='Others' Target='Es'/></Singleton>")),
    ("binding-end", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Name' Target='Es'/></Singleton>")),
    ("binding-cast", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Others/self.D' Target='Es'/>"
                           "</Singleton>")),
    ("binding-contained", boxed(f"<Singleton Name='X' Type='self.O'>\n{M}<NavigationPropertyBinding Path='Parts' Target='Es'/></Singleton>")),
    ("binding-passes", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Others/Others' Target='Es'/>"
                             "</Singleton>")),
    ("binding-target", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Others' Target='Missing'/>"
                             "</Singleton>")),
    ("binding-target", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Others' Target='ns.Other/Es'/>"
                             "</Singleton>")),
    ("binding-type", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Others' Target='Os'/></Singleton>")),
    ("binding-qualified", boxed(f"<Singleton Name='X' Type='self.E'>\n{M}<NavigationPropertyBinding Path='Others' Target='ns.Box/Es'/>"
                                "</Singleton>")),
    ("import-operation", boxed(f"{M}<ActionImport Name='X' Action='self.Missing'/>")),
    ("import-kind", boxed(f"{M}<ActionImport Name='X' Action='self.F'/>")),
    ("import-kind", boxed(f"{M}<FunctionImport Name='X' Function='self.A'/>")),
    ("import-bound", boxed(f"{M}<FunctionImport Name='X' Function='self.FB'/>")),
    ("import-set", boxed(f"{M}<FunctionImport Name='X' Function='self.F' EntitySet='Missing'/>")),
    ("import-set-needless", boxed(f"{M}<ActionImport Name='X' Action='self.A' EntitySet='Es'/>")),
    ("import-set-type", boxed(f"{M}<FunctionImport Name='X' Function='self.F' EntitySet='Os'/>")),
    ("import-listed", "<Function Name='W'><Parameter Name='p' Type='Edm.String'/><ReturnType Type='Edm.String'/></Function>"
                      + boxed(f"{M}<FunctionImport Name='X' Function='self.W' IncludeInServiceDocument='true'/>")),
    ("container-empty", f"{M}<EntityContainer Name='Box'/>"),
    ("container-extends", f"{M}<EntityContainer Name='Box' Extends='ns.Missing'/>"),
    ("container-cycle", f"{M}<EntityContainer Name='Box' Extends='ns.Box'/>"),
]


def value(inner: str, term: str = "T") -> str:
    """An annotation whose value is a child element, which the mark stands before."""
    return noted(f"<Annotation Term='self.{term}'>\n{M}{inner}</Annotation>")


def short(attribute: str, term: str = "T") -> str:
    """An annotation whose value is an attribute."""
    return noted(f"{M}<Annotation Term='self.{term}' {attribute}/>")


ANNOTATIONS = [
    ("term-base-unknown", f"{M}<Term Name='X' Type='Edm.String' BaseTerm='self.Missing'/>"),
    ("term-base-cycle", f"{M}<Term Name='X' Type='Edm.String' BaseTerm='self.X'/>"),
    ("term-base-missing", f"<Term Name='X' Type='Edm.String' BaseTerm='self.T'/><ComplexType Name='Y'>\n{M}<Annotation Term='self.X' "
                          "String='x'/></ComplexType>"),
    ("term-applies-to", f"{M}<Term Name='X' Type='Edm.String' AppliesTo='Entity'/>"),
    ("term-unknown", noted(f"{M}<Annotation Term='self.Missing' String='x'/>")),
    ("term-unlisted", noted(f"{M}<Annotation Term='Core.Descriptoin' String='x'/>")),
    ("term-scope", noted(f"{M}<Annotation Term='UI.Hidden' Bool='true'/>")),
    ("annotation-twice", noted(f"<Annotation Term='self.T' String='x'/>\n{M}<Annotation Term='self.T' String='y'/>")),
    ("annotation-twice", noted("<Annotation Term='self.T' Qualifier='q' String='x'/>\n"
                               f"{M}<Annotation Term='self.T' Qualifier='q' String='y'/>")),
    ("annotation-qualifier", noted(f"{M}<Annotation Term='self.T' Qualifier='a b' String='x'/>")),
    ("annotation-applies-to", noted(f"{M}<Annotation Term='Core.OptimisticConcurrency'><Collection/></Annotation>")),
    ("annotation-requires-type", entity(f"<Property Name='P' Type='Edm.Int32'>\n{M}<Annotation Term='Validation.Pattern' String='a'/>"
                                        "</Property>")),
    ("annotation-target", f"{M}<Annotations Target='self.Missing'><Annotation Term='self.T' String='x'/></Annotations>"),
    ("annotation-target", f"{M}<Annotations Target='self.E/Missing'><Annotation Term='self.T' String='x'/></Annotations>"),
    ("annotation-target", f"{M}<Annotations Target='self.Box/Missing'><Annotation Term='self.T' String='x'/></Annotations>"),
    ("annotation-target", f"{M}<Annotations Target='self.F(Edm.String)'><Annotation Term='self.T' String='x'/></Annotations>"),
    ("annotation-target", f"{M}<Annotations Target='self.FB/that'><Annotation Term='self.T' String='x'/></Annotations>"),
    ("annotation-target-empty", f"{M}<Annotations Target='self.E'/>"),
    ("annotation-target-scope", f"{M}<Annotations Target='other.E'><Annotation Term='self.T' String='x'/></Annotations>"),
]

VALUES = [
    ("value-syntax", short("Int='one'", "TI")),
    ("value-syntax", short("Bool='yes'", "TB")),
    ("value-syntax", short("Date='2024-13-01'", "TD")),
    ("value-syntax", value("<Guid>x</Guid>")),
    ("value-syntax", value("<Duration>1D</Duration>")),
    ("value-syntax", value("<Binary>a*b</Binary>")),
    ("value-syntax", value("<DateTimeOffset>2024-01-01T00:00:00</DateTimeOffset>")),
    ("value-syntax", value("<TimeOfDay>25:00:00</TimeOfDay>")),
    ("value-syntax", value("<Decimal>1,5</Decimal>")),
    ("value-type", short("String='x'", "TI")),
    ("value-type", short("Int='1'")),
    ("value-type", short("String='Red'", "TE")),
    ("value-type", short("String='Y'", "TP")),
    ("value-type", short("PropertyPath='Y'")),
    ("value-type", value("<Record/>")),
    ("value-range", short("Int='256'", "TI")),
    ("value-missing", "<Term Name='X' Type='Edm.String' Nullable='false'/><ComplexType Name='Y'>\n"
                      f"{M}<Annotation Term='self.X'/></ComplexType>"),
    ("value-null", noted(f"<Annotation Term='self.TS'><Collection>\n{M}<Null/></Collection></Annotation>")),
    ("value-collection", short("String='x'", "TS")),
    ("value-single", value("<Collection/>")),
    ("value-enum-type", short("EnumMember='self.C/Red'", "TE")),
    ("value-enum-member", short("EnumMember='self.Color/Blue'", "TE")),
    ("value-enum-other", short("EnumMember='self.Mark/A'", "TE")),
    ("value-enum-several", short("EnumMember='self.Color/Red self.Color/Green'", "TE")),
    ("value-path", short("PropertyPath='Missing'", "TP")),
    ("value-path", short("Path='Y/Missing'")),
    ("value-path-kind", f"<Annotations Target='self.E'>\n{M}<Annotation Term='self.TP' PropertyPath='Others'/></Annotations>"),
    ("value-path-kind", short("NavigationPropertyPath='Y'", "TN")),
    ("record-type", value("<Record Type='self.Missing'/>", "TC")),
    ("record-type", value("<Record Type='self.Color'/>", "TC")),
    ("record-other", value("<Record Type='self.E'><PropertyValue Property='ID' Int='1'/><PropertyValue Property='Home'>"
                           "<Record><PropertyValue Property='No' Int='1'/></Record></PropertyValue></Record>", "TC")),
    ("record-abstract", "<ComplexType Name='W' Abstract='true'/><Term Name='TW' Type='self.W'/>" + value("<Record/>", "TW")),
    ("record-member", noted("<Annotation Term='self.TC'><Record><PropertyValue Property='No' Int='1'/>\n"
                            f"{M}<PropertyValue Property='Stret' String='x'/></Record></Annotation>")),
    ("record-unlisted", boxed("").replace("<Singleton", "<EntitySet Name='X' EntityType='self.E'><Annotation "
     f"Term='Capabilities.InsertRestrictions'><Record>\n{M}<PropertyValue Property='Insertible' Bool='true'/></Record></Annotation>"
                                          "</EntitySet><Singleton")),
    ("record-twice", noted("<Annotation Term='self.TC'><Record><PropertyValue Property='No' Int='1'/>\n"
                           f"{M}<PropertyValue Property='No' Int='2'/></Record></Annotation>")),
    ("record-required", value("<Record/>", "TC")),
    ("record-incomplete", noted(f"<Annotation Term='Core.Links'><Collection>\n{M}<Record><PropertyValue Property='rel' String='x'/>"
                                "</Record></Collection></Annotation>")),
    ("function-unknown", value("<Apply Function='odata.cancat'><String>a</String><String>b</String></Apply>")),
    ("function-operands", value("<Apply Function='odata.uriEncode'><String>a</String><String>b</String></Apply>")),
    ("if-else", value("<If><Bool>true</Bool><String>a</String></If>")),
    ("cast-type", value("<Cast Type='self.Missing'><Path>Y</Path></Cast>")),
    ("label-twice", noted("<Annotation Term='self.T'><LabeledElement Name='l' String='a'/></Annotation>"
                          f"<Annotation Term='self.T' Qualifier='q'>\n{M}<LabeledElement Name='l' String='a'/></Annotation>")),
    ("label-unknown", noted(f"{M}<Annotation Term='self.T'><LabeledElementReference>self.l</LabeledElementReference></Annotation>")),
    ("value-new", value("<Neg><Int>1</Int></Neg>")),
    ("validation-limits", entity("<Property Name='P' Type='Edm.Int32'>\n"
                                 f"{M}<Annotation Term='Validation.Minimum' Int='5'/><Annotation Term='Validation.Maximum' Int='1'/>"
                                 "</Property>")),
    ("validation-pattern", entity(f"<Property Name='P' Type='Edm.String'>\n{M}<Annotation Term='Validation.Pattern' String='(a'/>"
                                  "</Property>")),
]

FRAGMENTS = [*DOCUMENT, *NAMES, *TYPES, *PROPERTIES, *NAVIGATION, *OPERATIONS, *CONTAINERS, *ANNOTATIONS, *VALUES]
