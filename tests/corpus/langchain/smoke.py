import openai
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
import langchain.agents
@tool
def add(a: int, b: int) -> int:
    '''Adds.'''
    return a + b
assert add.invoke({'a': 1, 'b': 2}) == 3 and add.description == 'Adds.'
ChatOpenAI(api_key='x').bind_tools([add])
assert ChatPromptTemplate.from_template('{a}').invoke({'a': 'b'}).to_string() == 'Human: b'
import tiktoken, tiktoken_ext.openai_public
